package slack

// Ours lets tests ask which addresses an answer may go to.
func Ours(c *Client, to string) bool { return c.ours(to) }

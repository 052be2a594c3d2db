package slack

import "net/http"

// Ours lets tests ask which addresses an answer may go to.
func Ours(c *Client, to string) bool { return c.ours(to) }

// NewOver is New over another network.
func NewOver(network http.RoundTripper, c Config) *Client {
	client := New(c)
	client.http.client.Transport = network
	return client
}

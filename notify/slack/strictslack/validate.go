package strictslack

import "maps"

var validateArgs = map[string]argument{"blocks": isObject, "message": isObject, "view": isObject}

// Validate reports what Slack would refuse in a message, given as decoded JSON
// with json.Number for numbers: an object with text, blocks and attachments.
// Pointers start at the message. Other fields are not looked at.
func Validate(message map[string]any) []Violation {
	text, _ := message["text"].(string)
	_, found := judge(text, message["blocks"], message["attachments"])
	return found
}

// validate is blocks.validate for blocks and messages; views are no message.
func (s *Server) validate(c *call, _ Fault) answer {
	if len(c.args) != 1 || c.args["view"] != nil {
		return refuse("invalid_arguments")
	}
	code, found := "invalid_blocks", []Violation(nil)
	if blocks, given := c.args["blocks"]; given {
		check := newCheck()
		blockList(check, "", blocks)
		check.whole("")
		found = check.found
	} else {
		code = "invalid_message"
		message, ok := c.args["message"].(map[string]any)
		if !ok {
			return refuse("invalid_arguments")
		}
		found = Validate(message)
		for key := range maps.Keys(message) {
			if _, known := postArgs[key]; !known {
				found = append(found, Violation{Code: codeUnknown, Message: "invalid additional property: " + key})
			}
		}
	}
	if len(found) == 0 {
		return accept(map[string]any{})
	}
	a := refuse(code)
	a.body["errors"] = found
	return a
}

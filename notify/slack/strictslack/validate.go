package strictslack

import (
	"fmt"
	"maps"
	"slices"
)

var validateArgs = map[string]argument{"blocks": isObject, "message": isObject, "view": isObject}

// Validate reports what Slack would refuse in the text, blocks and attachments
// of a message, given as JSON; it looks at no other field. Pointers start at
// the message. The error is for what is no JSON object.
func Validate(message []byte) ([]Violation, error) {
	v, err := decode(message)
	if err != nil {
		return nil, fmt.Errorf("decode message: %w", err)
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("decode message: it is no JSON object")
	}
	return violations(o), nil
}

func violations(message map[string]any) []Violation {
	text, isText := message["text"].(string)
	_, found := judge(text, message["blocks"], message["attachments"])
	if !isText && message["text"] != nil {
		found = append(found, Violation{Pointer: "/text", Code: codeType, Message: "must provide a string"})
	}
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
		found = violations(message)
		for _, key := range slices.Sorted(maps.Keys(message)) {
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

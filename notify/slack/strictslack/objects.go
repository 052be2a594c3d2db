package strictslack

import (
	"maps"
	"reflect"
	"regexp"
)

// This file holds the objects that blocks and elements are composed of.

var plainFields = func(most int) fields {
	return fields{"type": anything, "text": str(most), "emoji?": boolean}
}

// plain accepts a plain_text object.
func plain(most int) rule {
	return byType(map[string]rule{"plain_text": object(plainFields(most))})
}

// text accepts a plain_text or mrkdwn object.
func text(most int) rule {
	return byType(map[string]rule{
		"plain_text": object(plainFields(most)),
		"mrkdwn":     object(fields{"type": anything, "text": mrkdwn(most), "verbatim?": boolean}),
	})
}

var webURL = regexp.MustCompile(`^https?://[^\s<>"]+$`)

func webAddress(c *check, at string, v any) {
	str(maxURL)(c, at, v)
	if s, ok := v.(string); ok && s != "" && !webURL.MatchString(s) {
		c.refuse(at, codeConstraint, "must be a valid http or https URL")
	}
}

var confirm = object(fields{
	"title":   plain(maxConfirmHead),
	"text":    text(maxConfirmText),
	"confirm": plain(maxConfirmWord),
	"deny":    plain(maxConfirmWord),
	"style?":  enum("primary", "danger"),
})

// option accepts one choice; label is the rule of its text.
func option(label rule, extra fields) rule {
	fs := fields{"text": label, "value": str(maxOptionValue), "description?": label}
	maps.Copy(fs, extra)
	return object(fs)
}

var (
	selectOption  = option(plain(maxOptionText), nil)
	selectOptions = list(1, maxOptions, selectOption)
	optionGroups  = list(1, maxOptions, object(fields{"label": plain(maxOptionText), "options": selectOptions}))
	choice        = option(text(maxOptionText), nil)
	choices       = list(1, maxChoices, choice)
)

// initialAmong wants the preselected option to be exactly one of the offered.
func initialAmong(c *check, at string, v any) {
	o, _ := v.(map[string]any)
	initial, has := o["initial_option"]
	if !has {
		return
	}
	offered, _ := o["options"].([]any)
	groups, _ := o["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(map[string]any)
		more, _ := group["options"].([]any)
		offered = append(offered[:len(offered):len(offered)], more...)
	}
	for _, candidate := range offered {
		if reflect.DeepEqual(candidate, initial) {
			return
		}
	}
	c.refuse(at+"/initial_option", codeConstraint, "must exactly match one of the options")
}

// imageFields are those of an image block and of an image element alike.
func imageFields() fields {
	return fields{
		"type":        anything,
		"image_url?":  webAddress,
		"slack_file?": object(fields{"id?": str(maxID), "url?": webAddress}, oneOf("id", "url")),
		"alt_text":    str(maxAltText),
	}
}

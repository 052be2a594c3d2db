package strictslack

import (
	"maps"
	"math"
)

// This file says which interactive elements a message may hold and where.

func element(fs fields, more ...rule) rule {
	maps.Copy(fs, fields{"type": anything, "action_id?": id("action_id"), "confirm?": confirm})
	return object(fs, more...)
}

var menuPlaceholder = plain(maxPlaceholder)

func menu(initial string) rule {
	return element(fields{"placeholder?": menuPlaceholder, initial + "?": str(maxID)})
}

// actionElements may stand in an actions block.
var actionElements = map[string]rule{
	"button": element(fields{
		"text": plain(maxButtonText), "value?": str(maxButtonValue), "url?": webAddress,
		"style?": enum("primary", "danger"), "accessibility_label?": str(maxButtonText),
	}),
	"static_select": element(fields{
		"placeholder?": menuPlaceholder, "options?": selectOptions, "option_groups?": optionGroups, "initial_option?": selectOption,
	}, oneOf("options", "option_groups"), initialAmong),
	"external_select": element(fields{
		"placeholder?": menuPlaceholder, "initial_option?": selectOption, "min_query_length?": integer(0, 100),
	}),
	"users_select":         menu("initial_user"),
	"channels_select":      menu("initial_channel"),
	"conversations_select": menu("initial_conversation"),
	"overflow":             element(fields{"options": list(1, maxOverflow, option(plain(maxOptionText), fields{"url?": webAddress}))}),
	"checkboxes":           element(fields{"options": choices, "initial_options?": choices}),
	"radio_buttons":        element(fields{"options": choices, "initial_option?": choice}, initialAmong),
	"datepicker":           element(fields{"placeholder?": menuPlaceholder, "initial_date?": str(10)}),
	"timepicker":           element(fields{"placeholder?": menuPlaceholder, "initial_time?": str(5), "timezone?": str(maxID)}),
	"datetimepicker":       element(fields{"initial_date_time?": integer(0, math.MaxInt64)}),
}

// accessories may stand beside a section's text: all of the above, an image,
// and menus of several choices.
var accessories = func() map[string]rule {
	all := maps.Clone(actionElements)
	all["image"] = imageElement
	all["multi_static_select"] = element(fields{
		"placeholder?": menuPlaceholder, "options?": selectOptions, "option_groups?": optionGroups,
		"initial_options?": selectOptions, "max_selected_items?": integer(1, maxOptions),
	}, oneOf("options", "option_groups"))
	return all
}()

var imageElement = object(imageFields(), oneOf("image_url", "slack_file"))

// contextElements may stand in a context block.
var contextElements = map[string]rule{
	"image":      imageElement,
	"plain_text": text(maxContextText),
	"mrkdwn":     text(maxContextText),
}

package main

import (
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// flapConfig is alerts.flap: limits, or off.
type flapConfig struct {
	Transitions int           `yaml:"transitions" jsonschema:"minimum=3,maximum=1000" jsonschema_description:"So many openings and closings of an incident within … 6."`
	Within      conf.Duration `yaml:"within" jsonschema_description:"… so long are flapping: one message until it is quiet for as long. 1h."`

	off bool
}

// flapLimits is flapConfig as a map.
type flapLimits flapConfig

// DecodeConf reads a map of limits, or the word off.
func (f *flapConfig) DecodeConf(v conf.Value) conf.Problems {
	if v.Kind() == conf.Map {
		return v.Decode((*flapLimits)(f))
	}
	if f.off = v.Text() == "off"; !f.off {
		return conf.Problems{v.Problem("%s is neither off nor limits", v.Quote()).WithHint("write flap: {transitions: 6, within: 1h}")}
	}
	return nil
}

// ConfSchema is both forms.
func (flapConfig) ConfSchema() []any { return []any{flapLimits{}, conf.Literal{Of: "off"}} }

// policy is what counts as flapping.
func (f flapConfig) policy(by incident.Flap) incident.Flap {
	switch {
	case f.off:
		return incident.Flap{}
	case f.Transitions > 0:
		by.Transitions = f.Transitions
	}
	if f.Within > 0 {
		by.Within = f.Within.Std()
	}
	return by
}

package conf_test

import "github.com/pipewatch-dev/pipewatch/conf"

// shop is a document with every kind of field that Decode knows.
type shop struct {
	Nodes map[string]node  `yaml:"nodes"`
	Joins []join           `yaml:"joins" jsonschema:"minItems=1"`
	Opens conf.ClockTime   `yaml:"opens"`
	Zone  string           `yaml:"zone"`
	Note  string           `yaml:"note"`
	Slack slack            `yaml:"slack"`
	Tags  *conf.StringList `yaml:"tags"`
	Name  string           `yaml:"name" jsonschema:"minLength=2,pattern=^[a-z]+$"`
	Level *int             `yaml:"level" jsonschema:"minimum=1,maximum=10"`
	Rest  conf.Value       `yaml:"rest"`
	Plain any              `yaml:"plain"`
}

type node struct {
	common
	Retries uint8    `yaml:"retries"`
	Ratio   float64  `yaml:"ratio"`
	Enabled bool     `yaml:"enabled"`
	Limit   *int64   `yaml:"limit" jsonschema_description:"at most, as a count"`
	Drift   struct{} `yaml:"drift" later:"it comes with a later release"`
	//lint:ignore U1000 a field that is not exported is not a key
	cache int
}

type common struct {
	Severity string        `yaml:"severity" jsonschema:"enum=warn,enum=error"`
	Timeout  conf.Duration `yaml:"timeout"`
}

type join struct {
	To       string        `yaml:"to" jsonschema:"required"`
	On       keys          `yaml:"on"`
	MinMatch *conf.Percent `yaml:"min_match"`
}

// keys is a union: a name, or two.
type keys struct{ left, right string }

type keyPair struct {
	Left  string `yaml:"left" jsonschema:"required"`
	Right string `yaml:"right" jsonschema:"required"`
}

func (k *keys) DecodeConf(v conf.Value) conf.Problems {
	if v.Kind() == conf.Map {
		var pair keyPair
		problems := v.Decode(&pair)
		*k = keys{pair.Left, pair.Right}
		return problems
	}
	problems := v.Decode(&k.left)
	k.right = k.left
	return problems
}

func (keys) ConfSchema() []any { return []any{"", keyPair{}} }

type slack struct {
	Token  conf.Secret `yaml:"token"`
	APIURL string      `yaml:"api_url"`
}

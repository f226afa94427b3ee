package daap

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"

	"sigs.k8s.io/yaml"
)

// Pattern is a regular expression that has to match a text as a whole.
type Pattern struct {
	text   string
	regexp *regexp.Regexp
}

// UnmarshalJSON compiles it, alone first: `)|(` would otherwise close the group that anchors it.
func (p *Pattern) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &p.text); err != nil {
		return err
	}
	if _, err := regexp.Compile(p.text); err != nil {
		return fmt.Errorf("'%s' is no regular expression: %w", p.text, err)
	}
	var err error
	p.regexp, err = regexp.Compile("^(?:" + p.text + ")$")
	return err
}

// Range has both ends included.
type Range[T any] struct {
	Min T `json:"min"`
	Max T `json:"max"`
}

// Policy is the platform team's file, the same that daap's webhook reads.
type Policy struct {
	Defaults struct {
		Instances     int64  `json:"instances"`
		Storage       Size   `json:"storage"`
		Image         string `json:"image"`
		PoolMode      string `json:"poolMode"`
		PoolInstances int64  `json:"poolInstances"`
	} `json:"defaults"`
	Limits struct {
		Instances     Range[int64] `json:"instances"`
		Storage       Range[Size]  `json:"storage"`
		Images        []Pattern    `json:"images"`
		PoolModes     []string     `json:"poolModes"`
		PoolInstances Range[int64] `json:"poolInstances"`
	} `json:"limits"`
	Names struct {
		Pattern  *Pattern `json:"pattern"`
		Reserved []string `json:"reserved"`
	} `json:"names"`
	Teams         []string `json:"teams"`
	RetentionDays int64    `json:"retentionDays"`
}

// OpenPolicy reads the file; a key that it does not know is refused.
func OpenPolicy(file string) (*Policy, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	policy := &Policy{RetentionDays: 30}
	policy.Defaults.Instances, policy.Defaults.PoolInstances = 1, 1
	policy.Defaults.PoolMode = "transaction"
	policy.Limits.PoolModes = []string{"transaction"}
	policy.Limits.Instances = Range[int64]{Min: 1, Max: 5}
	policy.Limits.PoolInstances = Range[int64]{Min: 1, Max: 5}
	for given, size := range map[string]*Size{
		"10Gi":  &policy.Defaults.Storage,
		"256Mi": &policy.Limits.Storage.Min,
		"1Ti":   &policy.Limits.Storage.Max,
	} {
		if *size, err = ParseSize(given); err != nil {
			return nil, err
		}
	}
	if err := yaml.UnmarshalStrict(text, policy); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return policy, nil
}

func (p *Policy) allowsImage(image string) bool {
	matches := func(pattern Pattern) bool { return pattern.regexp.MatchString(image) }
	return len(p.Limits.Images) == 0 || slices.ContainsFunc(p.Limits.Images, matches)
}

func (p *Policy) knowsTeam(team string) bool {
	return p.Teams == nil || slices.Contains(p.Teams, team)
}

package daap

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// allowance is what an owner may write, and what may stand there where anything may.
type allowance struct {
	permits func(value any, cluster string) bool
	hint    func(cluster string) string
}

// group is fields for which the same is decided, for the same reason: a verb phrase that follows "it".
type group struct {
	allow allowance
	why   string
	paths []string
}

// fields is a tree of the paths. "[]" stands for the elements of a list, "*" for every other field.
type fields struct {
	group    *group
	children map[string]*fields
}

func newFields(groups ...group) *fields {
	root := &fields{}
	for index := range groups {
		for _, path := range groups[index].paths {
			here := root
			for _, key := range strings.Split(strings.ReplaceAll(path, "[]", ".[]"), ".") {
				if here.children == nil {
					here.children = map[string]*fields{}
				}
				next := here.children[key]
				if next == nil {
					next = &fields{}
					here.children[key] = next
				}
				here = next
			}
			here.group = &groups[index]
		}
	}
	return root
}

// refused is a field that its owner may not write.
type refused struct {
	field, why, hint string
}

const unknownField = "is no field that daap knows of"

type walk struct {
	cluster string
	found   []refused
}

// refusedFields is everything in spec that is not as before and not allowed, in the order of the fields.
func refusedFields(allowed *fields, cluster string, spec, before map[string]any) []refused {
	walk := walk{cluster: cluster}
	walk.fields("spec", allowed, spec, before)
	slices.SortFunc(walk.found, func(a, b refused) int { return strings.Compare(a.field, b.field) })
	return walk.found
}

func (w *walk) fields(field string, allowed *fields, values, before map[string]any) {
	for key, value := range values {
		known, ok := before[key]
		if value == nil || ok && reflect.DeepEqual(known, value) {
			continue
		}
		w.value(field+"."+key, allowed.children[key], allowed, value, known)
	}
}

// value judges one; parent says why what is not named is refused.
func (w *walk) value(field string, allowed, parent *fields, value, before any) {
	if allowed != nil && allowed.group != nil {
		if group := allowed.group; !saysNothing(value) && !group.allow.permits(value, w.cluster) {
			hint := ""
			if group.allow.hint != nil {
				hint = group.allow.hint(w.cluster)
			}
			w.found = append(w.found, refused{field, group.why, hint})
		}
		return
	}
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 {
			return
		}
		if allowed != nil && allowed.goesOn() {
			known, _ := before.(map[string]any)
			w.fields(field, allowed, value, known)
			return
		}
	case []any:
		if len(value) == 0 {
			return
		}
		if allowed != nil && allowed.children["[]"] != nil {
			known, _ := before.([]any)
			w.items(field, allowed, value, known)
			return
		}
	}
	why := unknownField
	if other := parent.children["*"]; other != nil {
		why = other.group.why
	}
	w.found = append(w.found, refused{field, why, ""})
}

func (w *walk) items(field string, allowed *fields, items, before []any) {
	for index, item := range items {
		// An element that only moved says nothing new.
		isKnown := slices.ContainsFunc(before, func(known any) bool { return reflect.DeepEqual(known, item) })
		if isKnown || item == nil {
			continue
		}
		var same any
		if index < len(before) {
			same = before[index]
		}
		w.value(field+"["+strconv.Itoa(index)+"]", allowed.children["[]"], allowed, item, same)
	}
}

func (f *fields) goesOn() bool {
	_, isList := f.children["[]"]
	return len(f.children) > 0 && (!isList || len(f.children) > 1)
}

// saysNothing: it is as if it were left out.
func saysNothing(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case bool:
		return !value
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		for _, field := range value {
			if !saysNothing(field) {
				return false
			}
		}
		return true
	}
	return false
}

func written(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

func eachEntry(value any, allowed func(key, value string) bool) bool {
	entries, ok := value.(map[string]any)
	for key, value := range entries {
		if !allowed(key, written(value)) {
			return false
		}
	}
	return ok
}

func eachText(value any, allowed func(string) bool) bool {
	items, ok := value.([]any)
	for _, item := range items {
		if text, isText := item.(string); !isText || !allowed(text) {
			return false
		}
	}
	return ok
}

func says(hint string) func(string) string { return func(string) string { return hint } }

func hasPrefix(text string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
}

var (
	anything = allowance{permits: func(any, string) bool { return true }}
	nothing  = allowance{permits: func(any, string) bool { return false }}
	// No other Cluster's own Secret can have this name.
	backupSecret = allowance{
		permits: func(value any, cluster string) bool {
			fields, _ := value.(map[string]any)
			return fields["name"] == cluster+"-backup"
		},
		hint: func(cluster string) string {
			return "name the Secret '" + cluster + "-backup', which belongs to this database alone"
		},
	}
	metadata = allowance{
		permits: func(value any, _ string) bool {
			return eachEntry(value, func(key, _ string) bool {
				return !strings.HasPrefix(key, prefix) && !hasPrefix(key, steering)
			})
		},
		hint: says("leave out keys under cnpg.io/, alpha.cnpg.io/, daap.dev/"),
	}
	parameters = allowance{
		permits: func(value any, _ string) bool { return eachEntry(value, isHarmless) },
		hint:    says("leave out settings that name commands, files or paths"),
	}
	plainNames = allowance{
		permits: func(value any, _ string) bool { return eachText(value, isPlain) },
		hint:    says("name libraries of the image, without a path"),
	}
)

func only(values ...string) allowance {
	return allowance{
		permits: func(value any, _ string) bool { return slices.Contains(values, written(value)) },
		hint:    says("it may be " + strings.Join(values, " or ")),
	}
}

var (
	reaching = []string{
		"_command", "_library", "_library_path", "_control_path", "file", "_dir", "_directory",
		"_directories", "_conninfo", "_query",
	}
	reachingNames = []string{"include", "include_if_exists", "jit_provider"}
)

func isAlphanumeric(r rune) bool {
	return isLower(r) || isDigit(r) || r >= 'A' && r <= 'Z'
}

// isHarmless: a setting that names no command, file or library outside of the image.
func isHarmless(key, value string) bool {
	// A line break would begin another setting, and blanks around a name hide what it is.
	isOther := func(r rune) bool { return !isAlphanumeric(r) && r != '_' && r != '.' }
	if strings.ContainsFunc(key, isOther) || strings.ContainsFunc(value, unicode.IsControl) {
		return false
	}
	key = strings.ToLower(key)
	if strings.HasSuffix(key, "_libraries") {
		for _, library := range strings.Split(value, ",") {
			if !isPlain(strings.TrimSpace(library)) {
				return false
			}
		}
		return true
	}
	endsSo := func(ending string) bool { return strings.HasSuffix(key, ending) }
	if !slices.Contains(reachingNames, key) && !slices.ContainsFunc(reaching, endsSo) {
		return true
	}
	// What CNPG fills in although it ends so.
	return key == "log_directory" && value == "/controller/log"
}

func isPlain(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return !isAlphanumeric(r) && r != '_' && r != '-' })
}

package daap

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

func (r *review) clusterLimits(context.Context) ([]violation, error) {
	old := r.before()
	var found []violation
	found = append(found, count("spec.instances", r.object, old, r.policy.Limits.Instances)...)
	found = append(found, r.storage(old)...)
	found = append(found, r.walStorage(old)...)
	if image, ok := r.object.text("spec", "imageName"); ok {
		known := old != nil && old.textOrEmpty("spec", "imageName") == image
		found = append(found, r.image("spec.imageName", image, known)...)
	}
	return found, nil
}

// count: a number within its range, or at least no further out than it was.
func count(field string, object, old *object, limits Range[int64]) []violation {
	given, ok := integer(object.at("spec", "instances"))
	if !ok || given >= limits.Min && given <= limits.Max {
		return nil
	}
	if old != nil {
		before, ok := integer(old.at("spec", "instances"))
		if ok && (given > limits.Max && given <= before || given < limits.Min && given >= before) {
			return nil
		}
	}
	return []violation{{"limits", field, fmt.Sprintf("%d is not within %d–%d", given, limits.Min, limits.Max),
		fmt.Sprintf("choose a number from %d to %d", limits.Min, limits.Max)}}
}

func (r *review) storage(old *object) []violation {
	const field = "spec.storage.size"
	given, ok := r.object.text("spec", "storage", "size")
	if !ok {
		return []violation{{"required", field, "it is missing", "set it to a size as 10Gi"}}
	}
	size, err := ParseSize(given)
	if err != nil {
		return []violation{{"format", field, err.Error(), "correct the value"}}
	}
	if old != nil {
		before, err := ParseSize(old.textOrEmpty("spec", "storage", "size"))
		switch {
		case err != nil:
		case size.bytes == before.bytes:
			return nil
		// A restore takes the size that the volumes have where their class cannot grow.
		case size.bytes < before.bytes && r.old == nil:
			return nil
		case size.bytes < before.bytes:
			return []violation{{"limits", field,
				fmt.Sprintf("%s is less than the present %s; volumes never shrink", size, before),
				"keep the size, or create a smaller database and move the data"}}
		}
	}
	limits := r.policy.Limits.Storage
	if size.bytes < limits.Min.bytes || size.bytes > limits.Max.bytes {
		return []violation{{"limits", field, fmt.Sprintf("%s is not within %s–%s", size, limits.Min, limits.Max),
			fmt.Sprintf("choose a size from %s to %s", limits.Min, limits.Max)}}
	}
	return nil
}

func (r *review) walStorage(old *object) []violation {
	const field = "spec.walStorage.size"
	given, ok := r.object.text("spec", "walStorage", "size")
	if !ok || old != nil && old.textOrEmpty("spec", "walStorage", "size") == given {
		return nil
	}
	size, err := ParseSize(given)
	if err != nil {
		return []violation{{"format", field, err.Error(), "correct the value"}}
	}
	if most := r.policy.Limits.Storage.Max; size.bytes > most.bytes {
		return []violation{{"limits", field, fmt.Sprintf("%s is more than %s", size, most), fmt.Sprintf("choose a size up to %s", most)}}
	}
	return nil
}

func (r *review) image(field, given string, known bool) []violation {
	if known || r.policy.allowsImage(given) {
		return nil
	}
	var patterns []string
	for _, pattern := range r.policy.Limits.Images {
		patterns = append(patterns, pattern.text)
	}
	return []violation{{"limits", field,
		fmt.Sprintf("'%s' matches none of the platform's images: %s", given, strings.Join(patterns, ", ")),
		"choose an image that matches, or leave it out for the default"}}
}

func (r *review) poolerLimits(context.Context) ([]violation, error) {
	old, limits := r.before(), r.policy.Limits
	found := count("spec.instances", r.object, old, limits.PoolInstances)
	mode, ok := r.object.text("spec", "pgbouncer", "poolMode")
	if !ok {
		mode = "session"
	}
	had := false
	if old != nil {
		before, ok := old.text("spec", "pgbouncer", "poolMode")
		had = ok && before == mode
	}
	if !had && !slices.Contains(limits.PoolModes, mode) {
		found = append(found, violation{"limits", "spec.pgbouncer.poolMode",
			fmt.Sprintf("'%s' is not allowed; the policy allows %s", mode, strings.Join(limits.PoolModes, ", ")),
			"choose a mode that is allowed"})
	}
	var known []poolerImage
	if old != nil {
		known = poolerImages(old)
	}
	for _, given := range poolerImages(r.object) {
		isKnown := slices.ContainsFunc(known, func(one poolerImage) bool { return one.image == given.image })
		found = append(found, r.image(given.field, given.image, isKnown)...)
	}
	return found, nil
}

type poolerImage struct{ field, image string }

// poolerImages is the image of PgBouncer, by either of the fields that name it.
func poolerImages(pooler *object) []poolerImage {
	var found []poolerImage
	if image, ok := pooler.text("spec", "pgbouncer", "image"); ok {
		found = append(found, poolerImage{"spec.pgbouncer.image", image})
	}
	containers, _ := pooler.at("spec", "template", "spec", "containers").([]any)
	for index, container := range containers {
		fields, _ := container.(map[string]any)
		if image, ok := fields["image"].(string); ok {
			found = append(found, poolerImage{fmt.Sprintf("spec.template.spec.containers[%d].image", index), image})
		}
	}
	return found
}

// defaultedInitdb is what CNPG's own defaulting writes into a bootstrap that was left out.
var defaultedInitdb = []string{"database", "owner", "encoding", "localeCollate", "localeCType", "secret"}

func (r *review) clusterImmutable(context.Context) ([]violation, error) {
	var found []violation
	for _, key := range []string{labelName, labelID} {
		before, had := r.old.labels[key]
		after, has := r.object.labels[key]
		if had && (!has || before != after) {
			found = append(found, fixed(labelField(key), before, had, after, has))
		}
	}
	// CNPG accepts a change and ignores it: the manifest would say what is not so.
	before, had := r.old.text("spec", "storage", "storageClass")
	after, has := r.object.text("spec", "storage", "storageClass")
	if had != has || before != after {
		found = append(found, fixed("spec.storage.storageClass", before, had, after, has))
	}
	if bootstrapChanged(r.old.at("spec", "bootstrap"), r.object.at("spec", "bootstrap")) {
		found = append(found, violation{"immutable", "spec.bootstrap",
			"it is read only once, when the database is created", "keep it as it is"})
	}
	return found, nil
}

func bootstrapChanged(before, after any) bool {
	given, isObject := after.(map[string]any)
	if before != nil || !isObject {
		return !reflect.DeepEqual(before, after)
	}
	for method, options := range given {
		fields, ok := options.(map[string]any)
		if method != "initdb" || !ok {
			return true
		}
		for key := range fields {
			if !slices.Contains(defaultedInitdb, key) {
				return true
			}
		}
	}
	return false
}

func (r *review) poolerImmutable(context.Context) ([]violation, error) {
	before, had := r.old.text("spec", "cluster", "name")
	after, has := r.object.text("spec", "cluster", "name")
	if had == has && before == after {
		return nil, nil
	}
	return []violation{fixed("spec.cluster.name", before, had, after, has)}, nil
}

func fixed(field, before string, had bool, after string, has bool) violation {
	shown := func(value string, is bool) string {
		if !is {
			return "nothing"
		}
		return "'" + value + "'"
	}
	return violation{"immutable", field,
		fmt.Sprintf("it never changes: it is %s, not %s", shown(before, had), shown(after, has)),
		"keep it as it is, or create another database"}
}

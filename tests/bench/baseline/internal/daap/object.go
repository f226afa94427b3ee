package daap

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// object is what is written, with what the rules ask for again and again taken out once.
type object struct {
	*unstructured.Unstructured
	labels      map[string]string
	annotations map[string]string
}

func newObject(u *unstructured.Unstructured) *object {
	if u == nil {
		return nil
	}
	return &object{Unstructured: u, labels: u.GetLabels(), annotations: u.GetAnnotations()}
}

// at is the value below that path, nil where there is none.
func (o *object) at(path ...string) any {
	value, found, err := unstructured.NestedFieldNoCopy(o.Object, path...)
	if !found || err != nil {
		return nil
	}
	return value
}

func (o *object) text(path ...string) (string, bool) {
	text, ok := o.at(path...).(string)
	return text, ok
}

func (o *object) textOrEmpty(path ...string) string {
	text, _ := o.text(path...)
	return text
}

func (o *object) fields(path ...string) map[string]any {
	fields, _ := o.at(path...).(map[string]any)
	return fields
}

// integer reads a number: the decoder of controller-runtime reads every number as a float.
func integer(value any) (int64, bool) {
	switch number := value.(type) {
	case float64:
		return int64(number), number == float64(int64(number))
	case int64:
		return number, true
	}
	return 0, false
}

func (o *object) deleting() bool {
	_, ok := o.text("metadata", "deletionTimestamp")
	return ok
}

func (o *object) ownerReferences() []any {
	owners, _ := o.at("metadata", "ownerReferences").([]any)
	return owners
}

// governed says whether the object is called daap-…, carries a label of ours, or is a Pooler of such a
// Cluster.
func (o *object) governed() bool {
	if strings.HasPrefix(o.GetName(), namePrefix) || strings.HasPrefix(o.GetGenerateName(), namePrefix) {
		return true
	}
	if strings.HasPrefix(o.textOrEmpty("spec", "cluster", "name"), namePrefix) {
		return true
	}
	for key := range o.labels {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// mapAt is the object at that path, made where it is missing.
func mapAt(object map[string]any, path ...string) map[string]any {
	for _, key := range path {
		next, ok := object[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			object[key] = next
		}
		object = next
	}
	return object
}

func (o *object) setLabel(key, value string) {
	if o.labels == nil {
		o.labels = map[string]string{}
	}
	o.labels[key] = value
	mapAt(o.Object, "metadata", "labels")[key] = value
}

func (o *object) setAnnotation(key, value string) {
	if o.annotations == nil {
		o.annotations = map[string]string{}
	}
	o.annotations[key] = value
	mapAt(o.Object, "metadata", "annotations")[key] = value
}

func (o *object) removeAnnotation(key string) {
	delete(o.annotations, key)
	if annotations := o.fields("metadata", "annotations"); annotations != nil {
		delete(annotations, key)
	}
}

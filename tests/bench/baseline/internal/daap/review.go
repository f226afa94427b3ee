package daap

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// review is one write, as the rules see it.
type review struct {
	operation admissionv1.Operation
	// resource is clusters or poolers.
	resource  string
	namespace string
	user      string
	// object is nil at DELETE, old at CREATE.
	object *object
	old    *object
	// restored is what a deleted database was, where this write brings it back.
	restored *object
	at       time.Time
	policy   *Policy
	request  *admission.Request
	world    *World

	// What one write asks for more than once.
	tombstones map[string]*object
	clusters   map[string]*object
}

func (d *Decider) read(request *admission.Request) (*review, error) {
	resource := request.Resource
	isOurs := resource.Group == cnpgGroup && (resource.Resource == "clusters" || resource.Resource == "poolers") && request.SubResource == ""
	switch request.Operation {
	case admissionv1.Create, admissionv1.Update, admissionv1.Delete:
	default:
		isOurs = false
	}
	if !isOurs {
		return nil, fmt.Errorf("%s of %s/%s %s is not decided here: the webhook configuration and this webhook disagree",
			request.Operation, resource.Group, resource.Resource, request.SubResource)
	}
	after, err := d.decode(request.Object)
	if err != nil {
		return nil, err
	}
	before, err := d.decode(request.OldObject)
	if err != nil {
		return nil, err
	}
	return &review{
		operation:  request.Operation,
		resource:   resource.Resource,
		namespace:  request.Namespace,
		user:       request.UserInfo.Username,
		object:     after,
		old:        before,
		at:         time.Now(),
		policy:     d.policy,
		request:    request,
		world:      d.world,
		tombstones: map[string]*object{},
		clusters:   map[string]*object{},
	}, nil
}

func (d *Decider) decode(raw runtime.RawExtension) (*object, error) {
	if len(raw.Raw) == 0 || string(raw.Raw) == "null" {
		return nil, nil
	}
	u := &unstructured.Unstructured{}
	if err := d.decoder.DecodeRaw(raw, u); err != nil {
		return nil, fmt.Errorf("failed to read the request: %w", err)
	}
	return newObject(u), nil
}

// before is what the new object may be no worse than.
func (r *review) before() *object {
	if r.old != nil {
		return r.old
	}
	return r.restored
}

func (r *review) governed() bool {
	return r.object != nil && r.object.governed() || r.old != nil && r.old.governed()
}

func (r *review) mayOwn(ctx context.Context, team string) (bool, error) {
	return r.world.may(ctx, &r.request.UserInfo, r.namespace, "own", "teams", team)
}

func (r *review) mayAdminister(ctx context.Context) (bool, error) {
	return r.world.may(ctx, &r.request.UserInfo, r.namespace, "administer", "policies", "")
}

func (r *review) tombstone(ctx context.Context, id string) (*object, error) {
	if known, ok := r.tombstones[id]; ok {
		return known, nil
	}
	found, err := r.world.tombstone(ctx, r.namespace, id)
	if err == nil {
		r.tombstones[id] = found
	}
	return found, err
}

func (r *review) cluster(ctx context.Context, name string) (*object, error) {
	if known, ok := r.clusters[name]; ok {
		return known, nil
	}
	found, err := r.world.cluster(ctx, r.namespace, name)
	if err == nil {
		r.clusters[name] = found
	}
	return found, err
}

// findRestored finds out what a deleted database was, where this write brings it back.
func (r *review) findRestored(ctx context.Context) (*object, error) {
	if r.operation != admissionv1.Create || r.object == nil {
		return nil, nil
	}
	id, ok := r.object.labels[labelID]
	if !ok {
		return nil, nil
	}
	configMap, err := r.tombstone(ctx, id)
	if err != nil || configMap == nil {
		return nil, err
	}
	if r.resource == "clusters" {
		return restoredCluster(configMap), nil
	}
	return restoredPooler(configMap), nil
}

// marshal writes an object as the API server does.
func marshal(o *object) ([]byte, error) { return json.Marshal(o.Object) }

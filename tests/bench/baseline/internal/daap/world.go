package daap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// accessKept is long enough for both halves of one write, and short enough that a right that is
	// taken away is gone.
	accessKept = 3 * time.Second
	mostAccess = 1024
	callLimit  = 2 * time.Second
)

// World is what the rules ask of the API server. Reads are live: what lies under a name decides about
// data, and a cache would be behind.
type World struct {
	client client.Client
	access *cache.LRUExpireCache
}

// NewWorld asks by this client.
func NewWorld(client client.Client) *World {
	return &World{client: client, access: cache.NewLRUExpireCache(mostAccess)}
}

// accessKey is everything that an answer depends on.
type accessKey struct {
	user, uid, groups, extra, namespace, verb, resource, name string
}

func (w *World) may(ctx context.Context, user *authenticationv1.UserInfo, namespace, verb, resource, name string) (bool, error) {
	key := accessKey{
		user: user.Username, uid: user.UID, groups: strings.Join(user.Groups, "\x00"),
		namespace: namespace, verb: verb, resource: resource, name: name,
	}
	if len(user.Extra) > 0 {
		extra, err := json.Marshal(user.Extra)
		if err != nil {
			return false, err
		}
		key.extra = string(extra)
	}
	if known, ok := w.access.Get(key); ok {
		return known.(bool), nil
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Group: "daap.dev", Version: "v1", Resource: resource, Name: name, Namespace: namespace, Verb: verb,
		},
	}}
	if len(user.Extra) > 0 {
		review.Spec.Extra = map[string]authorizationv1.ExtraValue{}
		for key, values := range user.Extra {
			review.Spec.Extra[key] = authorizationv1.ExtraValue(values)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := w.client.Create(ctx, review); err != nil {
		return false, fmt.Errorf("could not look up subjectaccessreviews: %w", err)
	}
	status := review.Status
	allowed := status.Allowed && !status.Denied && status.EvaluationError == ""
	w.access.Add(key, allowed, accessKept)
	return allowed, nil
}

var clusterKind = schema.GroupVersionKind{Group: cnpgGroup, Version: "v1", Kind: "Cluster"}

// cluster is nil where there is none of that name.
func (w *World) cluster(ctx context.Context, namespace, name string) (*object, error) {
	if !isObjectName(name) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(clusterKind)
	err := w.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, found)
	if isMissing(err, name) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("could not look up clusters: %w", err)
	}
	return newObject(found), nil
}

// tombstone is the one of that id, nil where there is none. A forged one must not be taken for it.
func (w *World) tombstone(ctx context.Context, namespace, id string) (*object, error) {
	if checkID(id) != nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMapList"})
	err := w.client.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{labelID: id, labelDeleted: "true"})
	if err != nil {
		return nil, fmt.Errorf("could not look up the tombstone among configmaps: %w", err)
	}
	switch len(list.Items) {
	case 0:
		return nil, nil
	case 1:
		return newObject(&list.Items[0]), nil
	}
	return nil, fmt.Errorf("could not look up the tombstone among configmaps: several claim to be it")
}

func (w *World) list(ctx context.Context, kind schema.GroupVersionKind, options ...client.ListOption) ([]metav1.PartialObjectMetadata, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := w.client.List(ctx, list, options...); err != nil {
		return nil, fmt.Errorf("could not look up %s: %w", kind.Kind, err)
	}
	return list.Items, nil
}

func (w *World) clustersWithID(ctx context.Context, namespace, id string) ([]metav1.PartialObjectMetadata, error) {
	if checkID(id) != nil {
		return nil, nil
	}
	return w.list(ctx, clusterKind, client.InNamespace(namespace), client.MatchingLabels{labelID: id})
}

func (w *World) volumes(ctx context.Context, namespace string, wanted func(metav1.PartialObjectMetadata) bool) ([]metav1.PartialObjectMetadata, error) {
	all, err := w.list(ctx, corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"), client.InNamespace(namespace))
	if err != nil {
		return nil, err
	}
	var found []metav1.PartialObjectMetadata
	for _, volume := range all {
		if wanted(volume) {
			volume.Kind = "PersistentVolumeClaim"
			found = append(found, volume)
		}
	}
	return found, nil
}

func (w *World) volumesOwnedBy(ctx context.Context, namespace, uid string) ([]metav1.PartialObjectMetadata, error) {
	return w.volumes(ctx, namespace, func(volume metav1.PartialObjectMetadata) bool {
		for _, owner := range volume.OwnerReferences {
			if string(owner.UID) == uid {
				return true
			}
		}
		return false
	})
}

// underNames is what CNPG would adopt or trust under the names of a Cluster.
func (w *World) underNames(ctx context.Context, namespace, cluster string) ([]metav1.PartialObjectMetadata, error) {
	if !isObjectName(cluster) {
		return nil, nil
	}
	group, ctx := errgroup.WithContext(ctx)
	var found []metav1.PartialObjectMetadata
	group.Go(func() (err error) {
		found, err = w.volumes(ctx, namespace, func(volume metav1.PartialObjectMetadata) bool {
			return isInstanceVolume(volume.Name, cluster)
		})
		return err
	})
	secrets := make([]*metav1.PartialObjectMetadata, len(trustedSecrets))
	for index, suffix := range trustedSecrets {
		group.Go(func() (err error) {
			secrets[index], err = w.secret(ctx, namespace, cluster+"-"+suffix)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, secret := range secrets {
		if secret != nil {
			found = append(found, *secret)
		}
	}
	return found, nil
}

// namingKinds name a Cluster in spec.cluster.name.
var namingKinds = []string{"Pooler", "Database", "DatabaseRole", "Publication", "Subscription", "Backup", "ScheduledBackup"}

// namingPage is how many objects are read at once.
const namingPage = 250

// naming is what names the Cluster of that name, whether it exists or not.
func (w *World) naming(ctx context.Context, namespace, cluster string) ([]unstructured.Unstructured, error) {
	found := make([][]unstructured.Unstructured, len(namingKinds))
	group, ctx := errgroup.WithContext(ctx)
	for index, kind := range namingKinds {
		group.Go(func() (err error) {
			found[index], err = w.namingOf(ctx, namespace, cluster, kind)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

func (w *World) namingOf(ctx context.Context, namespace, cluster, kind string) ([]unstructured.Unstructured, error) {
	var found []unstructured.Unstructured
	list := &unstructured.UnstructuredList{}
	for {
		token := list.GetContinue()
		list = &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(clusterKind.GroupVersion().WithKind(kind + "List"))
		ctx, cancel := context.WithTimeout(ctx, callLimit)
		err := w.client.List(ctx, list, client.InNamespace(namespace), client.Limit(namingPage), client.Continue(token))
		cancel()
		if err != nil {
			return nil, fmt.Errorf("could not look up %s: %w", kind, err)
		}
		for _, one := range list.Items {
			if named, _, _ := unstructured.NestedString(one.Object, "spec", "cluster", "name"); named == cluster {
				one.SetKind(kind)
				found = append(found, one)
			}
		}
		if list.GetContinue() == "" {
			return found, nil
		}
	}
}

func (w *World) secret(ctx context.Context, namespace, name string) (*metav1.PartialObjectMetadata, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	secret := &metav1.PartialObjectMetadata{}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	err := w.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)
	if isMissing(err, name) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("could not look up secrets: %w", err)
	}
	secret.Kind = "Secret"
	return secret, nil
}

// isMissing: while a type is not served the API server says 404 as well, and that is no "no match".
func isMissing(err error, name string) bool {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Name == name
}

func isObjectName(name string) bool {
	alphanumeric := func(r rune) bool { return isLower(r) || isDigit(r) }
	if len(name) == 0 || len(name) > 253 || !alphanumeric(rune(name[0])) || !alphanumeric(rune(name[len(name)-1])) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return !alphanumeric(r) && r != '-' && r != '.' })
}

// isInstanceVolume: {cluster}-N, {cluster}-N-wal and the like.
func isInstanceVolume(name, cluster string) bool {
	rest, ok := strings.CutPrefix(name, cluster+"-")
	if !ok {
		return false
	}
	serial, _, _ := strings.Cut(rest, "-")
	return serial != "" && !strings.ContainsFunc(serial, func(r rune) bool { return !isDigit(r) })
}

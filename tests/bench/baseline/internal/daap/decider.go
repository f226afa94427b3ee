package daap

import (
	"context"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// Decider decides writes by the policy and by what the API server knows.
type Decider struct {
	policy  *Policy
	world   *World
	decoder admission.Decoder
}

// NewDecider decides by this policy and these look-ups.
func NewDecider(policy *Policy, world *World) *Decider {
	return &Decider{policy: policy, world: world, decoder: admission.NewDecoder(runtime.NewScheme())}
}

// Mutate completes an object.
func (d *Decider) Mutate(ctx context.Context, request admission.Request) admission.Response {
	review, err := d.read(&request)
	if err != nil {
		return refuse(http.StatusForbidden, metav1.StatusReasonForbidden, err.Error())
	}
	warnings, err := review.complete(ctx)
	if err != nil {
		return failed(err)
	}
	// A patch on DELETE is an error.
	if review.object == nil || review.operation == admissionv1.Delete {
		return admission.Allowed("")
	}
	completed, err := marshal(review.object)
	if err != nil {
		return failed(err)
	}
	return admission.PatchResponseFromRaw(request.Object.Raw, completed).WithWarnings(warnings...)
}

// Validate judges the final object.
func (d *Decider) Validate(ctx context.Context, request admission.Request) admission.Response {
	review, err := d.read(&request)
	if err != nil {
		return refuse(http.StatusForbidden, metav1.StatusReasonForbidden, err.Error())
	}
	violations, err := review.judge(ctx)
	if err != nil {
		return failed(err)
	}
	if len(violations) == 0 {
		return admission.Allowed("")
	}
	return denied(&request, review.name(), violations)
}

// name is what a denial calls the object; deletecollection and generateName have none in the request.
func (r *review) name() string {
	if r.request.Name != "" {
		return r.request.Name
	}
	for _, one := range []*object{r.object, r.old} {
		if one != nil && one.GetName() != "" {
			return one.GetName()
		}
	}
	if r.object != nil {
		return r.object.GetGenerateName()
	}
	return ""
}

// failed: what cannot be looked up is refused, never read as "no match".
func failed(err error) admission.Response {
	return refuse(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable,
		fmt.Sprintf("%s; nothing was written, try again", err))
}

func refuse(code int32, reason metav1.StatusReason, message string) admission.Response {
	status := &metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: "daap: " + message}
	return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Result: status}}
}

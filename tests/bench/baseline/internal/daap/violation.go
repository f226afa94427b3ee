package daap

import (
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// violation is one reason why a write is refused.
type violation struct {
	rule, field, message, hint string
}

// invalidRules are broken by whoever writes (422); others say that it is forbidden as things are (403).
var invalidRules = []string{"naming", "required", "format", "limits", "teams"}

// denied answers as kubectl shows it: for a 422 only the causes, for a 403 only the message.
func denied(request *admission.Request, name string, violations []violation) admission.Response {
	status := &metav1.Status{Status: metav1.StatusFailure, Code: 422, Reason: metav1.StatusReasonInvalid}
	details := &metav1.StatusDetails{Group: request.Kind.Group, Kind: request.Kind.Kind, Name: name}
	lines := make([]string, 0, len(violations))
	for _, violation := range violations {
		if !slices.Contains(invalidRules, violation.rule) {
			status.Code, status.Reason = 403, metav1.StatusReasonForbidden
		}
		message := violation.message + " [" + violation.rule + "]; " + violation.hint
		lines = append(lines, violation.field+": "+message)
		details.Causes = append(details.Causes, metav1.StatusCause{
			Type: metav1.CauseType(violation.rule), Field: violation.field, Message: message,
		})
	}
	status.Message = strings.Join(lines, "\n")
	status.Details = details
	return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Result: status}}
}

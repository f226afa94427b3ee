package daap

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Size is a size of storage, shown as it was given.
type Size struct {
	given string
	bytes int64
}

// ParseSize reads a Kubernetes quantity of bytes.
func ParseSize(given string) (Size, error) {
	quantity, err := resource.ParseQuantity(given)
	// m, u and n make no sense for a volume, nor do exponents.
	if err != nil || strings.ContainsAny(given, "eunm") {
		return Size{}, fmt.Errorf("'%s' is no size; write a number and one of Ki, Mi, Gi, Ti, k, M, G, T, as 10Gi", given)
	}
	if quantity.Sign() <= 0 {
		return Size{}, fmt.Errorf("'%s' is not above zero; write a size as 10Gi", given)
	}
	return Size{given: given, bytes: quantity.Value()}, nil
}

func (s Size) String() string { return s.given }

// UnmarshalJSON reads the policy's sizes.
func (s *Size) UnmarshalJSON(data []byte) error {
	parsed, err := ParseSize(strings.Trim(string(data), `"`))
	if err == nil {
		*s = parsed
	}
	return err
}

package daap

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

const (
	longestClusterName = 43
	keptOfALongName    = 29
	longestLabel       = 63
	longestText        = 256
)

var hashedForm = regexp.MustCompile("^[a-z][a-z0-9-]{28}-[0-9a-f]{8}$")

func isLower(r rune) bool { return r >= 'a' && r <= 'z' }
func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isLabelCharacter(r rune) bool { return isLower(r) || isDigit(r) || r == '-' }

// checkName says why a logical name is none.
func checkName(name string) error {
	length := utf8.RuneCountInString(name)
	if length > longestLabel {
		return fmt.Errorf("'%s' has %d characters; a name has 3 to 63", name, length)
	}
	for i, r := range name {
		if i == 0 && !isLower(r) {
			return fmt.Errorf("'%s' begins with '%c'; a name begins with a lower-case letter", name, r)
		}
		if !isLabelCharacter(r) {
			return fmt.Errorf("'%s' contains '%c'; a name is made of lower-case letters, digits and hyphens", name, r)
		}
	}
	if length < 3 {
		return fmt.Errorf("'%s' has %d characters; a name has 3 to 63", name, length)
	}
	if strings.HasSuffix(name, "-") {
		return fmt.Errorf("'%s' ends with a hyphen; a name ends with a letter or a digit", name)
	}
	for _, suffix := range []string{"-pooler", "-primary"} {
		if strings.HasSuffix(name, suffix) {
			return fmt.Errorf("'%s' ends with '%s', which is kept for the objects of another database", name, suffix)
		}
	}
	if hashedForm.MatchString(name) {
		return fmt.Errorf("'%s' has the form that long names are shortened to (29 characters, '-', 8 hex digits)", name)
	}
	return nil
}

// clusterName is the Cluster of a valid logical name.
func clusterName(name string) string {
	plain := namePrefix + name
	if len(plain) <= longestClusterName {
		return plain
	}
	sum := sha256.Sum256([]byte(name))
	return namePrefix + name[:keptOfALongName] + "-" + hex.EncodeToString(sum[:4])
}

func poolerName(name string) string { return clusterName(name) + "-pooler" }

func checkTeam(team string) error {
	if team == "" {
		return fmt.Errorf("the team is empty; a database is owned by exactly one team")
	}
	if utf8.RuneCountInString(team) > longestLabel {
		return fmt.Errorf("'%s' has more than 63 characters", team)
	}
	if strings.ContainsFunc(team, func(r rune) bool { return !isLabelCharacter(r) }) ||
		strings.HasPrefix(team, "-") || strings.HasSuffix(team, "-") {
		return fmt.Errorf("'%s' is no DNS label; a team is made of lower-case letters, digits and hyphens and begins and ends with a letter or a digit", team)
	}
	return nil
}

func checkID(id string) error {
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.String() != id {
		return fmt.Errorf("'%s' is no UUID in lower-case, hyphenated form", id)
	}
	return nil
}

// checkText checks free text that is recorded.
func checkText(text string) error {
	if length := utf8.RuneCountInString(text); length > longestText {
		return fmt.Errorf("it has %d characters; at most 256 are allowed", length)
	}
	for _, r := range text {
		if unicode.IsControl(r) {
			return fmt.Errorf("it contains the control character U+%04X; write plain text on one line", r)
		}
	}
	return nil
}

func checkPurpose(text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("it is empty; say in a few words what the database is for")
	}
	return checkText(text)
}

package daap

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// latest is how many versions are stored as they are.
	latest = 8
	// largestUnpacked bounds what packed rows and texts may take once they are unpacked, in bytes.
	largestUnpacked = 2 * 1024 * 1024
	rowBytes        = 200
	textBytes       = 24
	mostShared      = 35
)

var (
	escape   = strings.NewReplacer("~", "~0", ".", "~1")
	unescape = strings.NewReplacer("~1", ".", "~0", "~")
)

// before is what a row is told apart from.
type before struct {
	version      uint64
	milliseconds int64
	by           int
}

type packer struct {
	written []byte
	texts   []string
	places  map[string]int
}

// pack writes the oldest of the rows, and says how many these are.
func pack(rows []row, version uint64) (string, int) {
	p := packer{places: map[string]int{}}
	last := before{version: version, by: -1}
	room := largestUnpacked
	count := 0
	for _, row := range rows {
		if room -= 2 * row.bytes(); room < 0 {
			break
		}
		last = p.row(row, last)
		count++
	}
	return string(p.written), count
}

func (p *packer) row(row row, last before) before {
	milliseconds := row.From.UnixMilli()
	p.written = strconv.AppendInt(p.written, milliseconds-last.milliseconds, 36)
	if beyond := row.From.Nanosecond() % int(time.Millisecond); beyond != 0 {
		p.field('N', int64(beyond))
	}
	if row.Version != last.version+1 {
		p.written = strconv.AppendUint(append(p.written, 'V'), row.Version, 36)
	}
	by := last.by
	if by < 0 || p.texts[by] != row.By {
		by = p.text('B', row.By)
	}
	if row.Action != "updated" {
		p.field('A', int64(slices.Index(actions, row.Action)))
	}
	for _, set := range []struct {
		letter byte
		text   *string
	}{{'R', row.Reason}, {'T', row.Set.OwnerTeam}, {'P', row.Set.Purpose}, {'S', row.Set.Storage}} {
		if set.text != nil {
			p.text(set.letter, *set.text)
		}
	}
	if row.Set.Instances != nil {
		p.field('I', *row.Set.Instances)
	}
	p.written = append(p.written, ';')
	return before{version: row.Version, milliseconds: milliseconds, by: by}
}

func (p *packer) field(letter byte, number int64) {
	p.written = strconv.AppendInt(append(p.written, letter), number, 36)
}

// text writes a text, or the number of one that is there; that number.
func (p *packer) text(letter byte, text string) int {
	if place, ok := p.places[text]; ok {
		p.field(letter, int64(place))
		return place
	}
	last := ""
	if len(p.texts) > 0 {
		last = p.texts[len(p.texts)-1]
	}
	beginning := 0
	for beginning < min(mostShared, len(last), len(text)) && last[beginning] == text[beginning] {
		beginning++
	}
	for beginning < len(text) && !utf8.RuneStart(text[beginning]) {
		beginning--
	}
	end := 0
	for end < min(mostShared, len(last)-beginning, len(text)-beginning) &&
		last[len(last)-1-end] == text[len(text)-1-end] {
		end++
	}
	for end > 0 && !utf8.RuneStart(text[len(text)-end]) {
		end--
	}
	p.written = append(p.written, letter, '.')
	p.written = strconv.AppendInt(p.written, int64(beginning), 36)
	p.written = strconv.AppendInt(p.written, int64(end), 36)
	p.written = append(p.written, escape.Replace(text[beginning:len(text)-end])...)
	p.written = append(p.written, '.')
	place := len(p.texts)
	p.texts = append(p.texts, text)
	p.places[text] = place
	return place
}

type unpacker struct {
	rest  string
	texts []string
	room  int
}

func unpack(packed string, version uint64) ([]row, error) {
	u := unpacker{rest: packed, room: largestUnpacked}
	var rows []row
	last := before{version: version, by: -1}
	for u.rest != "" {
		row, err := u.row(&last)
		if err != nil {
			return nil, fmt.Errorf("what is packed is no version, at byte %d: %w", len(packed)-len(u.rest), err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (u *unpacker) row(last *before) (row, error) {
	found := row{Version: last.version + 1, Action: "updated"}
	since, err := u.signed()
	if err != nil {
		return row{}, err
	}
	last.milliseconds += since
	beyond := int64(0)
	for letter := byte(0); letter != ';'; {
		if u.rest == "" {
			return row{}, errors.New("it does not end")
		}
		letter, u.rest = u.rest[0], u.rest[1:]
		switch letter {
		case ';':
		case 'N':
			beyond, err = u.signed()
		case 'V':
			found.Version, err = strconv.ParseUint(u.digits(), 36, 64)
		case 'B':
			last.by, err = u.text()
		case 'A':
			var action int64
			if action, err = u.signed(); err == nil {
				if action < 0 || action >= int64(len(actions)) {
					return row{}, fmt.Errorf("there is no action %d", action)
				}
				found.Action = actions[action]
			}
		case 'R':
			found.Reason, err = u.pointer()
		case 'T':
			found.Set.OwnerTeam, err = u.pointer()
		case 'P':
			found.Set.Purpose, err = u.pointer()
		case 'S':
			found.Set.Storage, err = u.pointer()
		case 'I':
			var instances int64
			instances, err = u.signed()
			found.Set.Instances = &instances
		default:
			err = fmt.Errorf("there is no field %q", letter)
		}
		if err != nil {
			return row{}, err
		}
	}
	if last.by < 0 {
		return row{}, errors.New("nobody made it")
	}
	found.By = u.texts[last.by]
	found.From = time.UnixMilli(last.milliseconds).Add(time.Duration(beyond)).UTC()
	last.version = found.Version
	if u.room -= found.bytes(); u.room < 0 {
		return row{}, errors.New("it takes too much")
	}
	return found, nil
}

func (u *unpacker) pointer() (*string, error) {
	place, err := u.text()
	if err != nil {
		return nil, err
	}
	return &u.texts[place], nil
}

// text is the number of one that is there, or comes now.
func (u *unpacker) text() (int, error) {
	packed, isNew := strings.CutPrefix(u.rest, ".")
	if !isNew {
		place, err := strconv.ParseUint(u.digits(), 36, 32)
		if err == nil && place >= uint64(len(u.texts)) {
			err = fmt.Errorf("there is no text %d", place)
		}
		return int(place), err
	}
	packed, rest, ended := strings.Cut(packed, ".")
	if !ended || len(packed) < 2 {
		return 0, errors.New("a text does not end")
	}
	beginning, err := strconv.ParseUint(packed[:1], 36, 8)
	if err != nil {
		return 0, err
	}
	end, err := strconv.ParseUint(packed[1:2], 36, 8)
	if err != nil {
		return 0, err
	}
	last := ""
	if len(u.texts) > 0 {
		last = u.texts[len(u.texts)-1]
	}
	if int(beginning+end) > len(last) {
		return 0, errors.New("a text shares more than there is")
	}
	text := last[:beginning] + unescape.Replace(packed[2:]) + last[len(last)-int(end):]
	if !utf8.ValidString(text) {
		return 0, errors.New("a text shares a part of a character")
	}
	if u.room -= textBytes + len(text); u.room < 0 {
		return 0, errors.New("it takes too much")
	}
	u.rest = rest
	u.texts = append(u.texts, text)
	return len(u.texts) - 1, nil
}

func (u *unpacker) signed() (int64, error) {
	sign := ""
	if rest, negative := strings.CutPrefix(u.rest, "-"); negative {
		sign, u.rest = "-", rest
	}
	return strconv.ParseInt(sign+u.digits(), 36, 64)
}

func (u *unpacker) digits() string {
	rest := strings.TrimLeft(u.rest, "0123456789abcdefghijklmnopqrstuvwxyz")
	digits := u.rest[:len(u.rest)-len(rest)]
	u.rest = rest
	return digits
}

// bytes is what a row takes in memory, about.
func (r row) bytes() int {
	sum := rowBytes + len(r.By)
	for _, text := range []*string{r.Reason, r.Set.OwnerTeam, r.Set.Purpose, r.Set.Storage} {
		if text != nil {
			sum += len(*text)
		}
	}
	return sum
}

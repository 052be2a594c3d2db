package store

import (
	"encoding/binary"
	"errors"
	"strconv"
	"unicode/utf8"
)

// Most texts of a run were in the run before, but for their numbers: "newest
// created_at is 33h old, limit 6h". What stays is the text's shape, which is
// kept once for many runs; the numbers are kept with each result.
//
// In a shape a number is one of these bytes, none of which UTF-8 has.
const (
	anyNumber   = 0xff // digits without a leading zero
	twoDigits   = 0xfe // the parts of a time
	fixedNumber = 0xfd // digits with a leading zero; their count follows
	hexNumber   = 0xfc // a digest in lower-case hex; the count of its bytes follows
)

const (
	mostDigits = 18 // of one number; more are several numbers
	leastHex   = 16 // hex digits that are a digest
	mostHex    = 2 * 255
)

// What a byte of a text is for split.
const (
	wordByte byte = 1 << iota // a letter or an underscore
	hexLetter
	digit
)

var classes = func() (c [256]byte) {
	for b := range c {
		switch {
		case b >= '0' && b <= '9':
			c[b] = digit
		case b >= 'a' && b <= 'f':
			c[b] = wordByte | hexLetter
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_':
			c[b] = wordByte
		}
	}
	return c
}()

// split appends the shape of a text, which is valid UTF-8, and its numbers.
func split(text, shape, numbers []byte) (s, n []byte) {
	word := false // inside a word, where no digest begins
	for i := 0; i < len(text); {
		from := i
		for ; i < len(text); i++ {
			class := classes[text[i]]
			if class&digit != 0 || class&hexLetter != 0 && !word {
				break
			}
			word = class&wordByte != 0
		}
		shape = append(shape, text[from:i]...)
		if i == len(text) {
			break
		}
		c := text[i]
		if !word {
			if end := hexEnd(text, i); end > i {
				shape = append(shape, hexNumber, byte((end-i)/2))
				for ; i < end; i += 2 {
					numbers = append(numbers, nibble(text[i])<<4|nibble(text[i+1]))
				}
				word = true
				continue
			}
		}
		if word = true; classes[c]&digit == 0 {
			shape = append(shape, c)
			i++
			continue
		}
		value := uint64(0)
		for from = i; i < len(text) && i-from < mostDigits && text[i] >= '0' && text[i] <= '9'; i++ {
			value = value*10 + uint64(text[i]-'0')
		}
		switch width := i - from; {
		case width == 2 && (c == '0' || inTime(text, from)):
			shape = append(shape, twoDigits)
		case width > 1 && c == '0':
			shape = append(shape, fixedNumber, byte(width))
		default:
			shape = append(shape, anyNumber)
		}
		numbers = binary.AppendUvarint(numbers, value)
	}
	return shape, numbers
}

// hexEnd is where a digest that begins at i ends; i when none does.
func hexEnd(text []byte, i int) int {
	end, letters := i, false
	for end < len(text) && end-i < mostHex && isHex(text[end]) {
		letters = letters || text[end] >= 'a'
		end++
	}
	if !letters || end-i < leastHex || (end-i)%2 != 0 {
		return i
	}
	return end
}

// inTime tells whether the number at i is a part of a time, which has two digits
// whatever it is; elsewhere a number may have more of them at the next run.
func inTime(text []byte, i int) bool {
	if i < 2 || text[i-2] < '0' || text[i-2] > '9' {
		return false
	}
	c := text[i-1]
	return c == '-' || c == ':' || c == 'T'
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

func nibble(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

var errShape = errors.New("a text has less numbers than its shape")

// join appends the text of a shape and its numbers, and gives the numbers that
// it did not use.
func join(text []byte, shape string, numbers []byte) (t, rest []byte, err error) {
	for i := 0; i < len(shape); i++ {
		c := shape[i]
		if c < hexNumber {
			text = append(text, c)
			continue
		}
		width := 0
		if c == fixedNumber || c == hexNumber {
			i++
			if i == len(shape) {
				return nil, nil, errShape
			}
			width = int(shape[i])
		}
		if c == hexNumber {
			if len(numbers) < width {
				return nil, nil, errShape
			}
			const digits = "0123456789abcdef"
			for _, b := range numbers[:width] {
				text = append(text, digits[b>>4], digits[b&15])
			}
			numbers = numbers[width:]
			continue
		}
		value, n := binary.Uvarint(numbers)
		if n <= 0 {
			return nil, nil, errShape
		}
		numbers = numbers[n:]
		switch c {
		case twoDigits:
			text = append(text, '0'+byte(value/10%10), '0'+byte(value%10))
		case fixedNumber:
			for v := value; v > 0; v /= 10 {
				width--
			}
			for ; width > 0; width-- {
				text = append(text, '0')
			}
			if value > 0 {
				text = strconv.AppendUint(text, value, 10)
			}
		default:
			text = strconv.AppendUint(text, value, 10)
		}
	}
	return text, numbers, nil
}

// valid gives a text that split accepts.
func valid(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	return []byte(string([]rune(string(text)))) // each foreign byte is U+FFFD then
}

package rate

import (
	"regexp"
	"strconv"
	"strings"
)

// vatForms are the forms of VAT ids without their country (Council Regulation
// (EU) 904/2010; the Commission's table of VIES).
var vatForms = map[string]*regexp.Regexp{
	"AT": regexp.MustCompile(`^U\d{8}$`), "BE": regexp.MustCompile(`^[01]\d{9}$`), "BG": regexp.MustCompile(`^\d{9,10}$`),
	"CY": regexp.MustCompile(`^\d{8}[A-Z]$`), "CZ": regexp.MustCompile(`^\d{8,10}$`), "DE": regexp.MustCompile(`^[1-9]\d{8}$`),
	"DK": regexp.MustCompile(`^\d{8}$`), "EE": regexp.MustCompile(`^\d{9}$`), "EL": regexp.MustCompile(`^\d{9}$`),
	"ES": regexp.MustCompile(`^[A-Z0-9]\d{7}[A-Z0-9]$`), "FI": regexp.MustCompile(`^\d{8}$`), "FR": regexp.MustCompile(`^[A-HJ-NP-Z0-9]{2}\d{9}$`),
	"HR": regexp.MustCompile(`^\d{11}$`), "HU": regexp.MustCompile(`^\d{8}$`), "IE": regexp.MustCompile(`^\d[A-Z0-9+*]\d{5}[A-W][A-I]?$`),
	"IT": regexp.MustCompile(`^\d{11}$`), "LT": regexp.MustCompile(`^(\d{9}|\d{12})$`), "LU": regexp.MustCompile(`^\d{8}$`),
	"LV": regexp.MustCompile(`^\d{11}$`), "MT": regexp.MustCompile(`^\d{8}$`), "NL": regexp.MustCompile(`^\d{9}B\d{2}$`),
	"PL": regexp.MustCompile(`^\d{10}$`), "PT": regexp.MustCompile(`^[1-9]\d{8}$`), "RO": regexp.MustCompile(`^[1-9]\d{1,9}$`),
	"SE": regexp.MustCompile(`^\d{10}01$`), "SI": regexp.MustCompile(`^[1-9]\d{7}$`), "SK": regexp.MustCompile(`^[1-9]\d{9}$`),
}

// VATID checks form and check digits of a VAT id and returns the ISO code of
// its member state. Whether the id is in use only VIES knows.
func VATID(id string) (country string, ok bool) {
	id = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '.' || r == '-' {
			return -1
		}
		return r
	}, id))
	if len(id) < 4 || vatForms[id[:2]] == nil || !vatForms[id[:2]].MatchString(id[2:]) || !vatCheck(id[:2], id[2:]) {
		return "", false
	}
	if id[:2] == "EL" {
		return "GR", true
	}
	return id[:2], true
}

func vatCheck(state, n string) bool {
	switch state {
	case "AT":
		sum := 4
		for i := range 7 {
			d := digit(n[i+1])
			if i%2 == 1 {
				d = d/5 + d*2%10
			}
			sum += d
		}
		return (10-sum%10)%10 == digit(n[8])
	case "BE":
		return 97-number(n[:8])%97 == number(n[8:])
	case "BG":
		return len(n) == 10 || twice(n, ascending, bulgarian)
	case "CY":
		return cyprus(n)
	case "CZ":
		return len(n) > 8 || (11-weighted(n, 8, 7, 6, 5, 4, 3, 2)%11)%10 == digit(n[7])
	case "DE", "HR":
		return mod1110(n)
	case "DK":
		return weighted(n, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
	case "EE":
		return (10-weighted(n, 3, 7, 1, 3, 7, 1, 3, 7)%10)%10 == digit(n[8])
	case "EL":
		return weighted(n, 256, 128, 64, 32, 16, 8, 4, 2)%11%10 == digit(n[8])
	case "ES":
		return spain(n)
	case "FI":
		return (11-weighted(n, 7, 9, 10, 5, 8, 4, 2)%11)%11 == digit(n[7])
	case "FR":
		key, err := strconv.Atoi(n[:2])
		return err != nil || (12+3*(number(n[2:])%97))%97 == key
	case "HU":
		return (10-weighted(n, 9, 7, 3, 1, 9, 7, 3)%10)%10 == digit(n[7])
	case "IE":
		return ireland(n)
	case "IT":
		return luhn(n)
	case "LT":
		return len(n) == 12 || twice(n, ascending, lithuanian)
	case "LU":
		return number(n[:6])%89 == number(n[6:])
	case "LV":
		return n[0] <= '3' || (14-weighted(n, 9, 1, 4, 8, 3, 10, 2, 5, 7, 6)%11)%11 == digit(n[10])
	case "MT":
		return 37-weighted(n, 3, 4, 6, 7, 8, 9)%37 == number(n[6:])
	case "NL":
		return weighted(n, 9, 8, 7, 6, 5, 4, 3, 2)%11 == digit(n[8]) || netherlands97(n)
	case "PL":
		return weighted(n, 6, 5, 7, 2, 3, 4, 5, 6, 7)%11 == digit(n[9])
	case "PT":
		return (11-weighted(n, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11%10 == digit(n[8])
	case "RO":
		n = strings.Repeat("0", 10-len(n)) + n
		return weighted(n, 7, 5, 3, 2, 1, 7, 5, 3, 2)*10%11%10 == digit(n[9])
	case "SE":
		return luhn(n[:10])
	case "SI":
		rest := weighted(n, 8, 7, 6, 5, 4, 3, 2) % 11
		return rest != 0 && (11-rest)%10 == digit(n[7])
	default: // SK
		return number(n)%11 == 0
	}
}

func digit(c byte) int { return int(c - '0') }

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// weighted adds up the digits times their weights.
func weighted(n string, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += digit(n[i]) * w
	}
	return sum
}

// mod1110 is ISO 7064, MOD 11,10.
func mod1110(n string) bool {
	p := 10
	for i := range len(n) - 1 {
		s := (digit(n[i]) + p) % 10
		if s == 0 {
			s = 10
		}
		p = 2 * s % 11
	}
	return (11-p)%10 == digit(n[len(n)-1])
}

func luhn(n string) bool {
	sum := 0
	for i := range len(n) {
		d := digit(n[len(n)-1-i])
		if i%2 == 1 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return sum%10 == 0
}

// twice is a check digit modulo 11 of eight digits, with other weights if the
// first give 10.
func twice(n string, weights, others []int) bool {
	for _, w := range [][]int{weights, others} {
		if rest := weighted(n, w...) % 11; rest != 10 {
			return rest == digit(n[8])
		}
	}
	return digit(n[8]) == 0
}

var (
	ascending  = []int{1, 2, 3, 4, 5, 6, 7, 8}
	bulgarian  = []int{3, 4, 5, 6, 7, 8, 9, 10}
	lithuanian = []int{3, 4, 5, 6, 7, 8, 9, 1}
)

func cyprus(n string) bool {
	odd := [10]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21}
	sum := 0
	for i := range 8 {
		if i%2 == 0 {
			sum += odd[digit(n[i])]
		} else {
			sum += digit(n[i])
		}
	}
	return byte('A'+sum%26) == n[8]
}

func ireland(n string) bool {
	if n[1] < '0' || n[1] > '9' {
		return true // the old form
	}
	sum := weighted(n, 8, 7, 6, 5, 4, 3, 2)
	if len(n) == 9 {
		sum += 9 * int(n[8]-'A'+1)
	}
	return "WABCDEFGHIJKLMNOPQRSTUV"[sum%23] == n[7]
}

func spain(n string) bool {
	const letters = "TRWAGMYFPDXBNJZSQVHLCKE"
	switch at := strings.IndexByte("XYZ", n[0]); {
	case at >= 0:
		return letters[number(strconv.Itoa(at)+n[1:8])%23] == n[8]
	case n[0] <= '9':
		return letters[number(n[:8])%23] == n[8]
	}
	sum := 0
	for i := 1; i <= 7; i++ {
		d := digit(n[i])
		if i%2 == 1 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	check := (10 - sum%10) % 10
	return n[8] == byte('0'+check) || n[8] == "JABCDEFGHI"[check]
}

// netherlands97 is the form for one-person businesses: the whole id, letters as
// numbers from A=10, modulo 97.
func netherlands97(n string) bool {
	rest := 0
	for _, c := range "2321" + n[:9] + "11" + n[10:] {
		rest = (rest*10 + int(c-'0')) % 97
	}
	return rest == 1
}

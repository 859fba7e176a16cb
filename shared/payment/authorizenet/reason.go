package authorizenet

import (
	"fmt"
	"strconv"
	"strings"
)

// statuses maps the reason of a refusal to a payment status. The codes below 111
// are CommerceRack's own table (payments specification, §7), its statuses kept
// as they are; it lumps all others into 257. Of those the ones that the vendor's
// code list explains today have the nearest status, so that staff can tell a
// decline from a misconfiguration.
var statuses = table(map[string]string{
	"200": "2 3 8 36 37 128 191 202 203 211 215 218 319 2102",             // declined
	"203": "201 316 317",                                                  // expiry
	"205": "27 127",                                                       // address
	"206": "4 41 102 141 250 254",                                         // fraud, kept cards, refused by a reviewer
	"207": "44 45 65 78 145 165",                                          // card code
	"208": "200 315",                                                      // card number
	"209": "33 328",                                                       // validation
	"250": "19-23 25 26 46 57-63 192 209 214 217 220 223 224 241 261 901", // the processor is down; 52 see unsettled
	"251": "66 99 123",                                                    // credentials
	"252": "17 18 28 48 56 67 124 155 174 175 243 246 247 260 330 2001",   // not with this account or tender
	"253": "5-7 12 14 42 47 49 68-77 79-81 93-96 100 101 104-110 113 116-119 125 126 153 156 182-184 186 187 225 226 228 231 233 236 " +
		"240 242 244 245 248 262 270 271 280-285 287 289 296-298 300-303 312-314 326 332 333 339 341-344 350 351 355 357-363 370 371 375 " +
		"2004-2006 2100 2101 2104 2105 2107-2109", // bad request
	"254": "103 111 112 286 290 325 331", // missing data
	"255": "9 10 13 24 29-32 34 35 38 39 43 114 115 130-132 154 170-173 185 195 204-208 210 212 213 216 221 227 232 238 239 265 288 305 309 320 356 2002",
	"256": "15 16 51 53-55 98 64 219 230 234 235 237 304 306 308 310 311 327 334 340 2007-2009 2103 2106 2200", // not in that state
	"258": "50",                                                                                                // not settled yet
	"259": "82-92",                                                                                             // interface
	"261": "11 222 318 380",                                                                                    // duplicate
	"262": "97",                                                                                                // expired
	"278": "251",                                                                                               // fraud filter
})

// outer maps the codes of replies that have no transaction in them: nothing was
// executed. Codes that are not here leave the outcome open.
var outer = table(map[string]string{
	"208": "40 95 98 110 140 121", // a profile that is not, or no longer, there
	"209": "13 113",
	"251": "5-11 59 64 79-81 86 96 97 116 123-126 139",
	"252": "20 21 44 60 83 84 103 128 141",
	"253": "3 4 15-19 22-24 26 28 30-38 41-43 45 48 50-52 61 65-70 73 75-77 82 85 88-94 99-102 105-109 111 112 114 119 120 130 134 137 138 142 143 145",
	"254": "14 29 71 72 127",
	"255": "2 25 46 47 54-58 74 122 132 135 136",
	"257": "27 118 144",
	"261": "12 39",
	"262": "115",
})

// unsettled are refusals after which the bank may still have set money aside:
// the gateway tried to take the authorization back and could not, or never
// learned how it ended. They say nothing; the lists do.
var unsettled = codes("52 120 121 122 152 180 181")

// duplicates say that the gateway has the same transaction already.
var duplicates = codes("11 222 318")

// spent are one-time tokens that were used before or have run out, perhaps on an
// earlier attempt of the same operation.
var spent = map[string]bool{"E00114": true, "E00115": true}

// retryable are refusals for now: 250 all of them, and what waits for settlement.
func retryable(status string) bool { return status == "250" || status == "258" }

// status returns the payment status for a refusal with a reason code. One that
// says nothing, or is new, goes by the response code: declined, or unknown (257).
func status(responseCode, reason string) string {
	n, _ := strconv.Atoi(reason)
	if s := statuses[n]; s != "" {
		return s
	}
	if responseCode == "2" {
		return "200"
	}
	return "257"
}

// table turns lists of codes and ranges into a map by code.
func table(byStatus map[string]string) map[int]string {
	all := map[int]string{}
	for status, list := range byStatus {
		for _, entry := range strings.Fields(list) {
			from, to, ranged := strings.Cut(entry, "-")
			if !ranged {
				to = from
			}
			for n := number(from); n <= number(to); n++ {
				if all[n] != "" {
					panic(fmt.Sprintf("code %d is listed twice", n))
				}
				all[n] = status
			}
		}
	}
	return all
}

func codes(list string) map[string]bool {
	all := map[string]bool{}
	for _, code := range strings.Fields(list) {
		all[code] = true
	}
	return all
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

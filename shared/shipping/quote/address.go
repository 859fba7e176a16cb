package quote

import (
	"regexp"
	"strings"

	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/tax/rate"
)

// usStates are the two-letter codes of states, territories and military mail.
var usStates = func() map[string]bool {
	m := make(map[string]bool)
	for code := range strings.FieldsSeq("AK AL AR AZ CA CO CT DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT " +
		"NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY DC AA AE AP AS FM GU MH MP PR PW VI") {
		m[code] = true
	}
	return m
}()

// USState reports whether a region is the code of a US state, territory or
// military area.
func USState(region string) bool { return usStates[region] }

var (
	nineDigits = regexp.MustCompile(`^([0-9]{5})([0-9]{4})$`)
	onlyDigits = regexp.MustCompile(`[^0-9]`)
)

// stateNames are names and abbreviations people write for US states, letters
// only.
var stateNames = func() map[string]string {
	m := make(map[string]string)
	for code, names := range map[string]string{
		"AL": "ALABAMA ALAB ALB ALBMA", "AK": "ALASKA ALASK ALSK ALK", "AZ": "ARIZONA ARIZ ARI", "AR": "ARKANSAS ARKS ARK",
		"CA": "CALIFORNIA CALIF CALI CAL", "CO": "COLORADO COL", "CT": "CONNECTICUT CONNETICUT CONN CON", "DE": "DELAWARE DELAWR DEL",
		"FL": "FLORIDA FLOR FLRDA FLO FLR", "GA": "GEORGIA GRGA GRG GGA", "HI": "HAWAII HAW HWI", "ID": "IDAHO IDAH IDH",
		"IL": "ILLINOIS ILLIN ILL", "IN": "INDIANA INDNA IND", "IA": "IOWA", "KS": "KANSAS KANS KAN", "KY": "KENTUCKY KENT KTY",
		"LA": "LOUISIANA LOUIS LSNA", "ME": "MAINE MNE", "MD": "MARYLAND MRYLND MRY", "MA": "MASSACHUSETTS MASSECHUSETTS MASS",
		"MI": "MICHIGAN MICHGN MICH", "MN": "MINNESOTA MINNES MINN", "MS": "MISSISSIPPI MIPPIPPIPPI MISSPI MISS MIS",
		"MO": "MISSOURI MSRI", "MT": "MONTANA MONT", "NE": "NEBRASKA NBRSKA NEBR NEB NBR", "NV": "NEVADA NEVDA NEV",
		"NH": "NEWHAMPSHIRE NWHMPSHR NEWHAMP NHAMP", "NJ": "NEWJERSEY NEWJERS NEWJRSY NWJERSEY NWJERS NWJRSY NJERSEY NJERS NJRSY",
		"NM": "NEWMEXICO NWMEXICO NMEXICO NEWMEX NWMEX NMEX", "NY": "NEWYORK NYORK NWYRK NYRK",
		"NC": "NORTHCAROLINA NORCAROLINA NOCAROLINA NCAROLINA NORTHCAR NORCAR NCAR",
		"ND": "NORTHDAKOTA NORDAKOTA NODAKOTA NDAKOTA NORTHDAK NORDAK NODAK NDAK",
		"OH": "OHIO", "OK": "OKLAHOMA OKLAH OKLA OKL", "OR": "OREGON OREGN OREG ORG", "PA": "PENNSYLVANIA PENNS PENN",
		"RI": "RHODEISLAND RHISLAND RHISL RHIS RISLAND RISL RIS", "SC": "SOUTHCAROLINA SOCAROLINA SCAROLINA SOUTHCAR SOCAR SCAR",
		"SD": "SOUTHDAKOTA SDAKOTA SOUTHDAK SDAK", "TN": "TENNESSEE TENNES TENN TEN", "TX": "TEXAS TEX TXS", "UT": "UTAH UTH",
		"VT": "VERMONT VERMNT VRMNT VERM VER", "VA": "VIRGINIA VIRG VIR", "WA": "WASHINGTON WASH",
		"WV": "WESTVIRGINIA WESTVIRG WESTVIR WVIRGINIA WVIRG WVIR", "WI": "WISCONSIN WISC WIS", "WY": "WYOMING WYOM WYO",
		"DC": "DISTRICTOFCOLUMBIA DISTCOLUMB DISTCOL DCOL", "AA": "ARMEDFORCESAMERICAS AFAMERICAS",
		"AE": "ARMEDFORCESAFRICA AFAFRICA ARMEDFORCESCANADA AFCANADA ARMEDFORCESEUROPE AFEUROPE ARMEDFORCESMIDDLEEAST " +
			"ARMEDFORCESME AFMIDDLEEAST AFME",
		"AP": "ARMEDFORCESPACIFIC ARMEDFORCESPAC AFPACIFIC AFPAC", "AS": "AMERICANSAMOA SAMOA",
		"FM": "FEDERATEDSTATESOFMICRONESIA FEDERATEDSTATESMICRONESIA MICRONESIA FSOM FSM", "GU": "GUAM GWAM",
		"MH": "MARSHALLISLANDS MARSHALLISLS MARSHALLISL MARSHALLIS MARSHISLANDS MARSHISLS MARSHISL MARSHIS",
		"PW": "PALAU", "PR": "PUERTORICO PERTORICO PTORICO PRICO",
		"VI": "VIRGINISLANDS VIRGINISLS VIRGINISL VIRGINIS VIRGISLANDS VIRGISLS VIRGISL VIRGIS VIRISLANDS VIRISLS VIRISL VIRIS",
	} {
		for name := range strings.FieldsSeq(names) {
			m[name] = code
		}
	}
	for _, north := range []string{"NORTHERN", "NOR", "NO", "N"} {
		for _, isles := range []string{"MARSHALLISLANDS", "MARSHALLISLS", "MARSHALLISL", "MARSHALLIS", "MARSHISLANDS", "MARSHISLS", "MARSHISL", "MARSHIS"} {
			m[north+isles] = "MP"
		}
	}
	return m
}()

// NormalState returns the two-letter code of a US state (no country) or, where
// the country is "Canada", of a province; what is neither comes back without
// leading white space.
func NormalState(state, country string) string {
	state = strings.TrimLeft(state, " \t\r\n\f\v")
	letters := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(state))
	switch country {
	case "":
		switch {
		case letters == "":
			return ""
		case usStates[letters]:
			return letters
		case stateNames[letters] != "":
			return stateNames[letters]
		}
	case "Canada":
		if letters == "" {
			return ""
		}
		if code, ok := rate.Province(letters); ok {
			return code
		}
	}
	return state
}

var (
	britishCode   = regexp.MustCompile(`^([A-Z][A-Z][A-Z]|[A-Z][A-Z]?\d\d?|[A-Z][A-Z]?\d[A-Z])[ -]?(\d[A-Z][A-Z])$`)
	canadianCode  = regexp.MustCompile(`^([A-Z]\d[A-Z])[ -]?(\d[A-Z]\d)$`)
	noPostal      = regexp.MustCompile(`[^A-Z0-9 -]`)
	uspsBox       = regexp.MustCompile(`(?i)\s*P\.\s*O\.(\s*BOX)\s+`)
	digitsOnlyIn  = map[string]bool{"Australia": true, "Belgium": true, "Denmark": true, "France": true, "Germany": true, "Greenland": true}
	britishNames  = map[string]bool{"United Kingdom": true, "UK": true}
	canadianNames = map[string]bool{"Canada": true, "CA": true}
)

// NormalPostal returns a postal code in the usual form of a country, given by
// name or, for the larger ones, by code; what it cannot read comes back without
// leading white space.
func NormalPostal(zip, country string) string {
	zip = strings.TrimLeft(zip, " \t\r\n\f\v")
	code := strings.TrimLeft(noPostal.ReplaceAllString(strings.ToUpper(zip), ""), " ")
	switch {
	case country == "" || country == "US":
		digits := onlyDigits.ReplaceAllString(zip, "")
		if len(digits) == 5 {
			return digits
		}
		if m := nineDigits.FindStringSubmatch(digits); m != nil {
			return m[1] + "-" + m[2]
		}
	case britishNames[country]:
		if m := britishCode.FindStringSubmatch(code); m != nil {
			return m[1] + " " + m[2]
		}
		return code
	case canadianNames[country]:
		if m := canadianCode.FindStringSubmatch(code); m != nil {
			return m[1] + " " + m[2]
		}
		return code
	case digitsOnlyIn[country]:
		return onlyDigits.ReplaceAllString(zip, "")
	}
	return zip
}

// PostOnly reports whether only the postal service delivers to an address:
// "P.O. Box" as such, or military mail.
func PostOnly(address, region string) bool {
	if address == "" || region == "" {
		return false
	}
	return uspsBox.MatchString(" "+address+" ") || region == "AA" || region == "AE" || region == "AP"
}

// ZipInRanges reports whether a zip, as a number, is in one of the ranges
// "from-to,from-to".
func ZipInRanges(a *perlnum.Arith, zip, ranges string) bool {
	n := a.Parse(zip).Int()
	for r := range strings.SplitSeq(ranges, ",") {
		from, to, _ := strings.Cut(r, "-")
		to, _, _ = strings.Cut(to, "-")
		if r != "" && n >= a.Parse(from).Int() && n <= a.Parse(to).Int() {
			return true
		}
	}
	return false
}

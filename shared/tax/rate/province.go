package rate

import "strings"

// provinces are Canada's two-letter codes.
var provinces = map[string]bool{
	"AB": true, "BC": true, "MB": true, "NB": true, "NL": true, "NT": true, "NS": true,
	"NU": true, "ON": true, "PE": true, "QC": true, "SK": true, "YT": true,
}

// provinceNames are names and abbreviations people write, letters only.
// (CommerceRack knows the Yukon as YK when it is written out.)
var provinceNames = func() map[string]string {
	m := make(map[string]string)
	for code, names := range map[string]string{
		"AB": "ALBERTA ALBRTA ALB AL",
		"BC": "BRITISHCOLUMBIA BRITISHCOLUMB BRITISHCOL BRITCOLUMBIA BRITCOLUMB BRITCOL BCOLUMBIA BCOLUMB BCOL",
		"MB": "MANITOBA MANIT MAN MNT MN",
		"NB": "NEWBRUNSWICK NEWBRUNS NEWB NWBRUNSWICK NWBRUNS NBRUNSWICK NBRUNS NWB",
		"NL": "NF NEWFOUNDLAND NWFNDLND NWFND",
		"NT": "NORTHWESTTERRITORIES NWTERRITORIES NWTERR NWTER NWT",
		"NS": "NOVASCOTIA NOVASCOT NOVSCOT NOV NV NO",
		"NU": "NUNAVUT NUNA NUN",
		"ON": "ONTARIO ONT",
		"PE": "PRINCEEDWARDISLAND PRINCEEDWARDISL PRINCEEDWARDIS PRINCEEDISLAND PRINCEEDISL PRINCEEDIS " +
			"PREDWARDISLAND PREDWARDISL PREDWARDIS PREDISLAND PREDISL PREDIS PREISL PREIS PREI PEISL PEIS PEI PR",
		"QC": "QUEBEC QUEB QU",
		"SK": "SASKATCHEWAN SSKTCHWN SKTCHWN SKWN SKN SKW",
		"YK": "YUKON YUK YU",
	} {
		for name := range strings.FieldsSeq(names) {
			m[name] = code
		}
	}
	return m
}()

// Province returns the code of a Canadian province given by code or by name in
// upper case, and whether it is one.
func Province(region string) (string, bool) {
	if provinces[region] {
		return region, true
	}
	letters := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, region)
	code, ok := provinceNames[letters]
	return code, ok
}

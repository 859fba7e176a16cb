package pgtest

var (
	TemplateName = templateName
	TestName     = testName
)

// ServerURL is the address of the server's own database.
func ServerURL() (string, error) {
	s, err := connect()
	if err != nil {
		return "", err
	}
	return s.url.String(), nil
}

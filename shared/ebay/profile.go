package ebay

import (
	"context"
	"fmt"
	"html/template"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/catalog"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// Profile is what many listings have in common: defaults for what a product does
// not say, and the template of the description (CommerceRack eBay specification,
// §4).
type Profile struct {
	Code      string    `json:"code"`
	Version   int64     `json:"version"`
	Category  string    `json:"category,omitempty"`     // eBay's number of a leaf category
	Condition string    `json:"condition,omitempty"`    // such as NEW; empty: that of the product, or NEW
	Most      int64     `json:"max_quantity,omitempty"` // pieces of a SKU that are shown at most; 0: no bound
	Markup    int64     `json:"markup,omitempty"`       // percent on the product's price, -90 to 1000
	Template  string    `json:"template,omitempty"`     // HTML of the description; see Page for what it may use
	UpdatedAt time.Time `json:"updated_at"`
}

// ETag is the version as an entity tag.
func (p Profile) ETag() string { return fmt.Sprintf(`"%d"`, p.Version) }

// Page is what a template may use of a product.
type Page struct {
	ID, SKU, Title, Description, Price string
	Images                             []string
	Attributes                         map[string]string
}

// ProfileInput makes or replaces a profile.
type ProfileInput struct {
	Code      string `json:"-" path:"code"`
	Category  string `json:"category,omitempty"`
	Condition string `json:"condition,omitempty"`
	Most      int64  `json:"max_quantity,omitempty"`
	Markup    int64  `json:"markup,omitempty"`
	Template  string `json:"template,omitempty"`
	Preview   string `json:"preview,omitempty"` // the id of a product: what its description would be, with the profile that is kept if no template is given; nothing is kept
}

var (
	codeShape     = regexp.MustCompile(`^[A-Z0-9_]{1,10}$`)
	categoryShape = regexp.MustCompile(`^[0-9]{0,12}$`)
	// active is what eBay does not take in a description.
	active = regexp.MustCompile(`(?i)<\s*(iframe|script|object|embed|form|base|meta)\b|javascript:|\son[a-z]+\s*=`)
)

// conditions are eBay's words by CommerceRack's numbers and ours (eBay
// specification, "ConditionID").
var conditions = map[string]string{
	"1000": "NEW", "1500": "NEW_OTHER", "1750": "NEW_WITH_DEFECTS", "2000": "CERTIFIED_REFURBISHED", "2500": "SELLER_REFURBISHED",
	"2750": "LIKE_NEW", "3000": "USED_EXCELLENT", "4000": "USED_VERY_GOOD", "5000": "USED_GOOD", "6000": "USED_ACCEPTABLE",
	"7000": "FOR_PARTS_OR_NOT_WORKING",
}

func condition(text string) (string, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if c, ok := conditions[text]; ok {
		return c, true
	}
	for _, c := range conditions {
		if c == text {
			return c, true
		}
	}
	return "", false
}

const maxTemplate = 200_000

// Validate refuses a profile that cannot be.
func (in ProfileInput) Validate() error {
	var f fault.Fields
	f.Check(categoryShape.MatchString(in.Category), "/category", "must be eBay's number of a category")
	_, known := condition(in.Condition)
	f.Check(in.Condition == "" || known, "/condition", "must be one of eBay's conditions, such as NEW or USED_GOOD")
	f.Check(in.Most >= 0 && in.Most <= 1_000_000, "/max_quantity", "must be 0 to 1,000,000")
	f.Check(in.Markup >= -90 && in.Markup <= 1000, "/markup", "must be -90 to 1000 percent")
	f.Check(len(in.Template) <= maxTemplate, "/template", "must not exceed %d characters", maxTemplate)
	f.Check(!active.MatchString(in.Template), "/template", "must not have scripts, frames, forms or handlers: eBay refuses them")
	if _, err := parse(in.Template); err != nil {
		f.Add("/template", "is no template: %v", err)
	}
	return f.Err()
}

// plain is the template of a profile that has none.
const plain = `<h1>{{.Title}}</h1>{{range .Images}}<p><img src="{{.}}" alt=""></p>{{end}}<div>{{.Description}}</div>`

func parse(text string) (*template.Template, error) {
	if text == "" {
		text = plain
	}
	return template.New("description").Option("missingkey=zero").Parse(text)
}

// Previewed is a profile, and the description that a product would have.
type Previewed struct {
	Profile
	HTML string `json:"html,omitempty"`
}

// PutProfile makes or replaces a profile; the listings that use it are revised
// when they are published again. With a product to preview it only shows that
// product's description.
func PutProfile(ctx context.Context, tx *txn.Tx, in ProfileInput) (Previewed, error) {
	var f fault.Fields
	f.Check(codeShape.MatchString(in.Code), "/code", "must have 1 to 10 of A-Z, 0-9 and _")
	if err := f.Err(); err != nil {
		return Previewed{}, err
	}
	p := Profile{Code: in.Code, Category: in.Category, Condition: in.Condition, Most: in.Most, Markup: in.Markup, Template: in.Template, UpdatedAt: tx.Now}
	if in.Preview != "" {
		product, err := catalog.Get(ctx, tx, catalog.GetInput{ID: in.Preview})
		if err != nil {
			return Previewed{}, err
		}
		if in.Template == "" {
			if kept, err := profile(ctx, tx, in.Code); err == nil {
				p = kept
			}
		}
		html, err := p.describe(product, "")
		return Previewed{p, html}, err
	}
	err := tx.QueryRow(ctx, `
		INSERT INTO ebay_profiles AS p (shop_id, code, document, created_at, updated_at)
		VALUES (current_shop(), $1, $2, $3, $3)
		ON CONFLICT (shop_id, code) DO UPDATE
		SET document = EXCLUDED.document, version = p.version + 1, updated_at = EXCLUDED.updated_at
		RETURNING version`, p.Code, p, tx.Now).Scan(&p.Version)
	if err != nil {
		return Previewed{}, fmt.Errorf("keep a profile: %w", err)
	}
	return Previewed{Profile: p}, nil
}

func profile(ctx context.Context, tx *txn.Tx, code string) (Profile, error) {
	var p Profile
	var version int64
	err := tx.QueryRow(ctx, `SELECT document, version FROM ebay_profiles WHERE shop_id = current_shop() AND code = $1`, code).Scan(&p, &version)
	if err == pgx.ErrNoRows {
		return p, fault.New(fault.NotFound, "there is no profile %s", code)
	}
	if err != nil {
		return p, fmt.Errorf("load a profile: %w", err)
	}
	p.Version = version
	return p, nil
}

// describe fills the template with a product. What the product says is escaped,
// but its description, which is the merchant's own HTML.
func (p Profile) describe(product catalog.Product, price string) (string, error) {
	t, err := parse(p.Template)
	if err != nil {
		return "", fault.New(fault.Unprocessable, "the template of profile %s cannot be read: %v", p.Code, err)
	}
	if active.MatchString(product.Description) {
		return "", fault.New(fault.Unprocessable, "the description of %s has scripts, frames, forms or handlers, which eBay refuses", product.ID)
	}
	if price == "" {
		price = product.BasePrice
	}
	var b strings.Builder
	err = t.Execute(&b, struct {
		Page
		Description template.HTML // the merchant's own, checked above
	}{
		Page:        Page{ID: product.ID, Title: title(product), Price: price, Images: product.Images, Attributes: product.Attributes},
		Description: template.HTML(product.Description), // #nosec: the merchant's own
	})
	if err != nil {
		return "", fault.New(fault.Unprocessable, "the template of profile %s: %v", p.Code, err)
	}
	return b.String(), nil
}

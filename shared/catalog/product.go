package catalog

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/fault"
)

// ProductInput is a product as the merchant writes it. What is not given is
// empty, or true where it is a question.
type ProductInput struct {
	price.Product
	Content
	Active     *bool `json:"active,omitempty"`      // can be found and bought; default true
	TrackStock *bool `json:"track_stock,omitempty"` // its stock is counted, once there is any; default true
}

// Content is what pages show of a product besides its name.
type Content struct {
	Title       string   `json:"title,omitempty"` // of the page; empty: the name
	Description string   `json:"description,omitempty"`
	Images      []string `json:"images,omitempty"`
}

// Product is a product as callers see it.
type Product struct {
	price.Product
	Content
	Active     bool      `json:"active"`
	TrackStock bool      `json:"track_stock"`
	Version    int64     `json:"version"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// ETag is the version as an entity tag.
func (p Product) ETag() string { return `"` + strconv.FormatInt(p.Version, 10) + `"` }

// Location is where the product is read.
func (p Product) Location() string { return "/v1/products/" + p.ID }

// public returns the product without what only the merchant may know: what it
// costs, where it comes from and what wholesale customers pay.
func (p Product) public() Product {
	p.Cost, p.Virtual = "", ""
	p.Attributes = publicAttributes(p.Attributes)
	p.SKUs = slices.Clone(p.SKUs)
	for i := range p.SKUs {
		p.SKUs[i].Cost = ""
		p.SKUs[i].Attributes = publicAttributes(p.SKUs[i].Attributes)
	}
	return p
}

func publicAttributes(attributes map[string]string) map[string]string {
	public := maps.Clone(attributes)
	maps.DeleteFunc(public, func(name, _ string) bool {
		_, name, _ = strings.Cut(name, ":")
		return name == "cost" || name == "base_cost" || strings.HasPrefix(name, "prod_supplier") || strings.HasPrefix(name, "virtual") ||
			strings.HasPrefix(name, "schedule_") || strings.HasPrefix(name, "qtyprice_") || strings.HasPrefix(name, "qtymin_") || strings.HasPrefix(name, "qtyinc_")
	})
	return public
}

// The bounds of a product (CommerceRack product specification, §1 and §3).
const (
	maxSKU         = 35
	maxDescription = 200_000
	maxImages      = 100
)

var (
	idShape        = regexp.MustCompile(`^[A-Z0-9_-]{1,20}$`)
	skuSuffixShape = regexp.MustCompile(`^(:[$#A-Z0-9][A-Z0-9]{3}){1,3}$`)
	upcShape       = regexp.MustCompile(`^[0-9]{0,13}$`)
)

// Validate refuses a product that cannot be.
func (p ProductInput) Validate() error {
	var f fault.Fields
	f.Check(idShape.MatchString(p.ID), "/id", "must have 1 to 20 of A-Z, 0-9, - and _")
	f.Merge("", p.Product.Validate())
	f.Check(len(p.Name) <= 200, "/name", "must not exceed 200 characters")
	f.Check(len(p.Title) <= 200, "/title", "must not exceed 200 characters")
	f.Check(len(p.Description) <= maxDescription, "/description", "must not exceed %d characters", maxDescription)
	f.Check(len(p.Images) <= maxImages, "/images", "must not be more than %d", maxImages)
	for i, image := range p.Images {
		f.Check(len(image) >= 1 && len(image) <= 1000, "/images/"+strconv.Itoa(i), "must have 1 to 1000 characters")
	}
	f.Check(upcShape.MatchString(p.Attributes[upc]), "/attributes/"+upc, "must have at most 13 digits")
	seen := map[string]bool{}
	for i, s := range p.SKUs {
		path := "/skus/" + strconv.Itoa(i)
		suffix, ours := strings.CutPrefix(s.ID, p.ID)
		f.Check(ours && skuSuffixShape.MatchString(suffix) && len(s.ID) <= maxSKU, path+"/id", "must be the product's id and up to three options, such as %s:A001", p.ID)
		f.Check(!seen[s.ID], path+"/id", "is given twice")
		seen[s.ID] = true
		f.Check(upcShape.MatchString(s.Attributes[upc]), path+"/attributes/"+upc, "must have at most 13 digits")
	}
	return f.Err()
}

// upc is the attribute that holds the bar code of a product or of a SKU.
const upc = "zoovy:prod_upc"

// components returns the products that a kit, or one of its SKUs, is made of.
func components(p price.Product) []string {
	ids := []string{}
	add := func(assembly string) {
		for part := range strings.SplitSeq(strings.ReplaceAll(assembly, " ", ""), ",") {
			sku, _, _ := strings.Cut(part, "*")
			id, _, _ := strings.Cut(sku, ":")
			if idShape.MatchString(id) {
				ids = append(ids, id)
			}
		}
	}
	add(p.Assembly)
	for _, s := range p.SKUs {
		add(s.Assembly)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func notFound(id string) error { return fault.New(fault.NotFound, "there is no product %s", id) }

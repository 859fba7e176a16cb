package ebay

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// treeVersion is the version of the category trees; it never changes.
const treeVersion = "128"

// A category is a node of the tree. Those without children are leaves.
type category struct {
	id, name string
	children []*category
	aspects  []aspect
}

// An aspect is what a category wants to know of a thing.
type aspect struct {
	name               string
	required           bool
	selection          bool // only the values
	multi, notVariable bool
	values             []string
}

// root is a small piece of the vendor's tree, the same on all sites.
var root = &category{id: "0", name: "Root", children: []*category{
	{id: "11450", name: "Clothing, Shoes & Accessories", children: []*category{
		{id: "1059", name: "Men's Clothing", children: []*category{
			{id: "15687", name: "Men's T-Shirts", aspects: []aspect{{name: "Brand"}, {name: "Size"}, {name: "Color"}}},
			{id: "57990", name: "Men's Casual Shirts", aspects: []aspect{
				{name: "Brand", required: true, notVariable: true}, {name: "Size", required: true},
				{name: "Size Type", required: true, selection: true, notVariable: true, values: []string{"Regular", "Big & Tall"}},
				{name: "Features", multi: true, values: []string{"Stretch", "Easy Care"}},
			}},
		}},
		{id: "15724", name: "Women's Clothing", children: []*category{
			{id: "53159", name: "Women's Tops", aspects: []aspect{{name: "Brand", required: true}, {name: "Size", required: true}}},
		}},
	}},
	{id: "267", name: "Books & Magazines", children: []*category{
		{id: "261186", name: "Books", aspects: []aspect{
			{name: "Author", required: true, multi: true, notVariable: true}, {name: "Book Title", required: true, notVariable: true}, {name: "Language", required: true, notVariable: true},
		}},
	}},
	{id: "15032", name: "Cell Phones & Accessories", children: []*category{
		{id: "9355", name: "Cell Phones & Smartphones", aspects: []aspect{{name: "Brand", required: true}, {name: "Model", required: true}, {name: "Storage Capacity"}}},
	}},
}}

// find returns the way from the root to a category; nil if there is none.
func (c *category) find(id string) []*category {
	if c.id == id {
		return []*category{c}
	}
	for _, child := range c.children {
		if way := child.find(id); way != nil {
			return append([]*category{c}, way...)
		}
	}
	return nil
}

// leaves calls fn for each leaf, with the way to it.
func (c *category) leaves(way []*category, fn func([]*category)) {
	way = append(slices.Clone(way), c)
	if len(c.children) == 0 {
		fn(way)
	}
	for _, child := range c.children {
		child.leaves(way, fn)
	}
}

// classified tells whether an offer's category is a leaf that the aspects of its
// item, and of its group, satisfy.
func (s *Simulator) classified(o *offer, i *item, g *group) *problem {
	for _, field := range []string{"categoryId", "secondaryCategoryId"} {
		id := str(o.data[field])
		way := root.find(id)
		if id != "" && (way == nil || len(way[len(way)-1].children) > 0) {
			return bad(25005, "Invalid category: it does not exist or is no leaf.").with(field, id)
		}
	}
	way := root.find(str(o.data["categoryId"]))
	leaf := way[len(way)-1]
	var axes []string
	if g != nil {
		for _, x := range objects(at(g.data, "variesBy", "specifications")) {
			axes = append(axes, str(x["name"]))
		}
	}
	for _, a := range leaf.aspects {
		values := texts(at(i.data, "product", "aspects", a.name))
		if a.name == "Brand" && len(values) == 0 && str(at(i.data, "product", "brand")) != "" {
			values = []string{str(at(i.data, "product", "brand"))}
		}
		if g != nil && len(values) == 0 {
			values = texts(at(g.data, "aspects", a.name))
		}
		switch {
		case a.required && len(values) == 0 && str(at(i.data, "product", "epid")) == "":
			return bad(25029, "The item specific %s is missing. Add %s to this listing.", a.name, a.name).with("aspect", a.name)
		case !a.multi && len(values) > 1:
			return bad(25022, "The item specific %s takes one value.", a.name).with("aspect", a.name)
		case a.selection && slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(a.values, v) }):
			return bad(25022, "The item specific %s takes none but its values.", a.name).with("aspect", a.name)
		case a.notVariable && slices.Contains(axes, a.name):
			return bad(25013, "A listing cannot vary by %s.", a.name).with("aspect", a.name)
		}
	}
	return nil
}

// trees are the ids of the category trees by site; other sites have none here.
var trees = map[string]string{"EBAY_US": "0", "EBAY_GB": "3", "EBAY_DE": "77", "EBAY_MOTORS": "100"}

func (c *category) ref() map[string]any {
	return map[string]any{"categoryId": c.id, "categoryName": c.name}
}

func (c *category) node(level int) map[string]any {
	children := []any{}
	for _, child := range c.children {
		children = append(children, child.node(level+1))
	}
	out := map[string]any{"category": c.ref(), "categoryTreeNodeLevel": level}
	if len(children) == 0 {
		out["leafCategoryTreeNode"] = true
	} else {
		out["childCategoryTreeNodes"] = children
	}
	return out
}

func (a aspect) view() map[string]any {
	values := []any{}
	for _, v := range a.values {
		values = append(values, map[string]any{"localizedValue": v, "valueConstraints": []any{}})
	}
	mode, cardinality, usage := "FREE_TEXT", "SINGLE", "OPTIONAL"
	if a.selection {
		mode = "SELECTION_ONLY"
	}
	if a.multi {
		cardinality = "MULTI"
	}
	if a.required {
		usage = "RECOMMENDED"
	}
	return map[string]any{"localizedAspectName": a.name, "aspectValues": values, "aspectConstraint": map[string]any{
		"aspectRequired": a.required, "aspectMode": mode, "aspectDataType": "STRING", "itemToAspectCardinality": cardinality, "aspectMaxLength": 65,
		"aspectEnabledForVariations": !a.notVariable, "aspectApplicableTo": []any{"PRODUCT"}, "aspectUsage": usage,
	}}
}

func (c *category) aspectsView() []any {
	all := []any{}
	for _, a := range c.aspects {
		all = append(all, a.view())
	}
	return all
}

func (s *Simulator) taxonomyOperations() []operation {
	const tree = "/category_tree/{id}"
	// in finds the tree of a call, and the category if there is to be one.
	in := func(parameter string, do func(call, []*category) (answer, *problem)) func(call) (answer, *problem) {
		return func(c call) (answer, *problem) {
			known := false
			for _, id := range trees {
				known = known || id == c.path("id")
			}
			if !known {
				return answer{}, absent(62003, "The category tree could not be found.").with("categoryTreeId", c.path("id"))
			}
			if parameter == "" {
				return do(c, nil)
			}
			id := c.r.URL.Query().Get(parameter)
			way := root.find(id)
			switch {
			case id == "":
				return answer{}, bad(62004, "%s is missing.", parameter)
			case way == nil:
				return answer{}, bad(62005, "The category does not belong to the tree.").with("categoryId", id)
			}
			return do(c, way)
		}
	}
	operations := []operation{
		{name: "getDefaultTree", method: "GET", path: "/get_default_category_tree_id", do: func(c call) (answer, *problem) {
			id, known := trees[c.r.URL.Query().Get("marketplace_id")]
			if !known {
				return answer{}, bad(62002, "Invalid value for marketplace_id.")
			}
			return ok(map[string]any{"categoryTreeId": id, "categoryTreeVersion": treeVersion}), nil
		}},
		{name: "getTree", method: "GET", path: tree, do: in("", func(c call, _ []*category) (answer, *problem) {
			return ok(map[string]any{"categoryTreeId": c.path("id"), "categoryTreeVersion": treeVersion, "rootCategoryNode": root.node(0)}), nil
		})},
		{name: "getSubtree", method: "GET", path: tree + "/get_category_subtree", do: in("category_id", func(c call, way []*category) (answer, *problem) {
			if len(way) == 1 {
				return answer{}, bad(62006, "The root has no subtree: ask for the tree.")
			}
			return ok(map[string]any{"categoryTreeId": c.path("id"), "categoryTreeVersion": treeVersion, "categorySubtreeNode": way[len(way)-1].node(len(way) - 1)}), nil
		})},
		{name: "getSuggestions", method: "GET", path: tree + "/get_category_suggestions", do: in("", suggest)},
		{name: "getAspects", method: "GET", path: tree + "/get_item_aspects_for_category", do: in("category_id", func(_ call, way []*category) (answer, *problem) {
			leaf := way[len(way)-1]
			if len(leaf.children) > 0 {
				return answer{}, bad(62009, "The category is no leaf.").with("categoryId", leaf.id)
			}
			return ok(map[string]any{"aspects": leaf.aspectsView()}), nil
		})},
		{name: "fetchAspects", method: "GET", path: tree + "/fetch_item_aspects", do: in("", fetchAspects)},
	}
	for i := range operations {
		operations[i].api, operations[i].scopes = taxonomyAPI, []string{publicScope}
	}
	return operations
}

// suggest answers the leaves whose way holds words of the query, most words first.
func suggest(c call, _ []*category) (answer, *problem) {
	words := strings.Fields(strings.ToLower(c.r.URL.Query().Get("q")))
	if len(words) == 0 {
		return answer{}, bad(62004, "q is missing.")
	}
	type hit struct {
		score int
		view  map[string]any
	}
	var hits []hit
	root.leaves(nil, func(way []*category) {
		score, ancestors := 0, []any{}
		for i := len(way) - 1; i > 0; i-- {
			name := strings.ToLower(way[i].name)
			for _, word := range words {
				if strings.Contains(name, strings.TrimSuffix(word, "s")) {
					score += i
				}
			}
			if i < len(way)-1 {
				ancestor := way[i].ref()
				ancestor["categoryTreeNodeLevel"] = i
				ancestors = append(ancestors, ancestor)
			}
		}
		if score > 0 {
			hits = append(hits, hit{score, map[string]any{
				"category": way[len(way)-1].ref(), "categoryTreeNodeAncestors": ancestors, "categoryTreeNodeLevel": len(way) - 1,
			}})
		}
	})
	if len(hits) == 0 {
		return done, nil
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.score - a.score })
	all := []any{}
	for _, h := range hits {
		all = append(all, h.view)
	}
	return ok(map[string]any{"categoryTreeId": c.path("id"), "categoryTreeVersion": treeVersion, "categorySuggestions": all}), nil
}

// fetchAspects answers a gzip file with the aspects of all leaves.
func fetchAspects(c call, _ []*category) (answer, *problem) {
	all := []any{}
	root.leaves(nil, func(way []*category) {
		leaf := way[len(way)-1]
		all = append(all, map[string]any{"category": leaf.ref(), "aspects": leaf.aspectsView()})
	})
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	_ = json.NewEncoder(z).Encode(map[string]any{"categoryTreeId": c.path("id"), "categoryTreeVersion": treeVersion, "categoryAspects": all}) // of our own making
	_ = z.Close()                                                                                                                             // as above
	return answer{status: http.StatusOK, body: file.Bytes(), header: map[string]string{"Content-Type": "application/gzip"}}, nil
}

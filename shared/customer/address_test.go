package customer_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/testkit/txtest"
)

func (s *shop) newAddress(t *testing.T, who principal.Principal, id, kind string, isDefault bool) (customer.Address, error) {
	t.Helper()
	return txtest.Do(t, s.as("address-create"), who, customer.CreateAddress, customer.CreateAddressInput{
		CustomerID: id, Kind: kind, IsDefault: isDefault, Address1: "1 Main Street", City: "Springfield", Region: "IL", Postal: "62701", Country: "US"})
}

func (s *shop) changeAddress(t *testing.T, who principal.Principal, in customer.UpdateAddressInput) (customer.Address, error) {
	t.Helper()
	return txtest.Do(t, s.as("address-update"), who, customer.UpdateAddress, in)
}

// defaults returns "kind index" of the default addresses, the index being that
// among the customer's addresses of the kind, oldest first.
func (s *shop) defaults(t *testing.T, who principal.Principal, id string) (defaults []string) {
	t.Helper()
	p, err := txtest.Do(t, s.as("address-list"), who, customer.ListAddresses, customer.ListAddressesInput{CustomerID: id})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, a := range p.Items {
		if a.IsDefault {
			defaults = append(defaults, fmt.Sprint(a.Kind, " ", seen[a.Kind]))
		}
		seen[a.Kind]++
	}
	return defaults
}

func TestDefaultAddressIsOneOfItsKind(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.add(t, "ada@example.com")
	who, _ := s.enter(t, "ada@example.com")
	var ids []string
	add := func(kind string, isDefault bool) {
		t.Helper()
		a, err := s.newAddress(t, who, c.ID, kind, isDefault)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	want := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, s.defaults(t, who, c.ID)); diff != "" {
			t.Errorf("defaults (-want +got):\n%s", diff)
		}
	}
	add(customer.Shipping, false)
	want("shipping 0") // the first is it anyway
	add(customer.Shipping, false)
	add(customer.Billing, false)
	want("shipping 0", "billing 0")
	add(customer.Shipping, true)
	want("billing 0", "shipping 2")

	if _, err := s.changeAddress(t, who, customer.UpdateAddressInput{CustomerID: c.ID, AddressID: ids[1], IsDefault: new(true)}); err != nil {
		t.Fatal(err)
	}
	want("shipping 1", "billing 0")
	_, err := s.changeAddress(t, who, customer.UpdateAddressInput{CustomerID: c.ID, AddressID: ids[1], IsDefault: new(false)})
	wantKind(t, err, fault.Unprocessable)

	if _, err := txtest.Do(t, s.as("address-delete"), who, customer.DeleteAddress, customer.DeleteAddressInput{CustomerID: c.ID, AddressID: ids[1]}); err != nil {
		t.Fatal(err)
	}
	want("shipping 0", "billing 0")
}

func TestConcurrentSettersLeaveOneDefault(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.add(t, "ada@example.com")
	ids := map[string][]string{}
	for _, kind := range []string{customer.Shipping, customer.Billing} {
		for range 10 {
			a, err := s.newAddress(t, s.staff, c.ID, kind, false)
			if err != nil {
				t.Fatal(err)
			}
			ids[kind] = append(ids[kind], a.ID)
		}
	}
	var wg sync.WaitGroup
	s.as("address-update")
	for i := range 100 {
		for kind := range ids {
			wg.Go(func() {
				_, err := s.changeAddress(t, s.staff, customer.UpdateAddressInput{CustomerID: c.ID, AddressID: ids[kind][i%10], IsDefault: new(true)})
				if err != nil {
					t.Errorf("setter %d of %s: %v", i, kind, err)
				}
			})
		}
	}
	wg.Wait()
	if got := s.defaults(t, s.staff, c.ID); len(got) != 2 || strings.Fields(got[0])[0] == strings.Fields(got[1])[0] {
		t.Errorf("defaults are %v, want one per kind", got)
	}
}

func TestNoMoreThan50AddressesHoweverFast(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.add(t, "ada@example.com")
	var wg sync.WaitGroup
	var mu sync.Mutex
	kinds := map[fault.Kind]int{}
	s.as("address-create")
	for range 60 {
		wg.Go(func() {
			if _, err := s.newAddress(t, s.staff, c.ID, customer.Shipping, false); err != nil {
				mu.Lock()
				kinds[fault.KindOf(err)]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[fault.Kind]int{fault.Unprocessable: 10}, kinds); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}

func TestAddressesOfOthersDoNotExist(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ada, grace := s.add(t, "ada@example.com"), s.add(t, "grace@example.com")
	a, err := s.newAddress(t, s.staff, ada.ID, customer.Shipping, false)
	if err != nil {
		t.Fatal(err)
	}
	who, _ := s.enter(t, "grace@example.com")

	_, err = s.newAddress(t, who, ada.ID, customer.Shipping, false)
	wantKind(t, err, fault.NotFound)
	_, err = txtest.Do(t, s.as("address-list"), who, customer.ListAddresses, customer.ListAddressesInput{CustomerID: ada.ID})
	wantKind(t, err, fault.NotFound)
	for _, id := range []string{ada.ID, grace.ID} { // not even below one's own customer
		_, err = s.changeAddress(t, who, customer.UpdateAddressInput{CustomerID: id, AddressID: a.ID, City: new("X")})
		wantKind(t, err, fault.NotFound)
		_, err = txtest.Do(t, s.as("address-delete"), who, customer.DeleteAddress, customer.DeleteAddressInput{CustomerID: id, AddressID: a.ID})
		wantKind(t, err, fault.NotFound)
	}
}

func TestAddressIsValidated(t *testing.T) {
	t.Parallel()
	valid := customer.CreateAddressInput{Kind: customer.Billing, Address1: "Hauptstraße 1", City: "Köln", Country: "DE"}
	if err := valid.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*customer.CreateAddressInput){
		"kind":     func(in *customer.CreateAddressInput) { in.Kind = "meta" },
		"address1": func(in *customer.CreateAddressInput) { in.Address1 = " " },
		"city":     func(in *customer.CreateAddressInput) { in.City = "" },
		"region":   func(in *customer.CreateAddressInput) { in.Region = strings.Repeat("x", 61) },
		"postal":   func(in *customer.CreateAddressInput) { in.Postal = strings.Repeat("x", 21) },
		"country":  func(in *customer.CreateAddressInput) { in.Country = "Germany" },
		"phone":    func(in *customer.CreateAddressInput) { in.Phone = strings.Repeat("1", 31) },
	} {
		t.Run(name, func(t *testing.T) {
			in := valid
			change(&in)
			err := in.Validate()
			wantKind(t, err, fault.Invalid)
			if err != nil && !strings.Contains(err.Error(), "/"+name+":") {
				t.Errorf("%v does not name the field", err)
			}
		})
	}
}

// Package state is the life of an order as one table. Go asks it, the CHECK and
// the trigger of the orders table are compared with it by a test, and the README
// shows it.
package state

// State is where an order stands.
type State string

// The states. Confirmed, Cancelled and Expired are final for the checkout; a
// confirmed order can still be cancelled, which gives money and goods back.
const (
	Pending   State = "pending"   // placed; stock and payment are being seen to
	Confirmed State = "confirmed" // accepted
	Cancelled State = "cancelled" // called off
	Expired   State = "expired"   // not confirmed in time
)

// States are all states.
var States = []State{Pending, Confirmed, Cancelled, Expired}

// Transition is one step that an order may take.
type Transition struct{ From, To State }

// Transitions are all of them; whatever is not here is refused.
var Transitions = []Transition{
	{Pending, Confirmed},
	{Pending, Cancelled},
	{Pending, Expired},
	{Confirmed, Cancelled},
}

// Can reports whether an order may go from one state to another.
func Can(from, to State) bool {
	for _, t := range Transitions {
		if t.From == from && t.To == to {
			return true
		}
	}
	return false
}

// Settled reports whether the checkout of an order in this state has come to
// its end.
func (s State) Settled() bool { return s != Pending }

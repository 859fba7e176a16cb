package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rackless/rackless/shared/ident"
)

// bare is the least that can create and read a customer: no identification, no
// idempotency, no events, no row-level security, one statement per call. What
// our functions take longer is what these cost.
func bare() error {
	ctx := signalContext()
	cfg, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	cfg.MaxConns = 2 // as a function has
	db, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	type customer struct {
		ID    string `json:"id"`
		Email string `json:"email"`
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/customers", func(w http.ResponseWriter, r *http.Request) {
		c := customer{ID: ident.New(ident.Customer)}
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if _, err := db.Exec(r.Context(), `INSERT INTO bare_customers (id, email) VALUES ($1, $2)`, c.ID, c.Email); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(c)
	})
	mux.HandleFunc("GET /v1/customers/{id}", func(w http.ResponseWriter, r *http.Request) {
		var c customer
		if err := db.QueryRow(r.Context(), `SELECT id, email FROM bare_customers WHERE id = $1`, r.PathValue("id")).Scan(&c.ID, &c.Email); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(c)
	})
	server := &http.Server{Addr: os.Getenv("LISTEN_ADDRESS"), Handler: mux}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return fmt.Errorf("bare server: %w", err)
	}
	return nil
}

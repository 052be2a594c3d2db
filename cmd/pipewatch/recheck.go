package main

import (
	"context"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/pipewatch-dev/pipewatch/checks"
)

// rechecked is what is read of the API's answer to a re-check.
type rechecked struct {
	Checks []struct {
		ID, Message string
		Verdict     checks.Outcome
		Shadow      bool
	}
}

// recheck has the running service evaluate a node at once.
func (a *app) recheck(ctx context.Context, c *client, named string) error {
	id, err := c.node(ctx, named)
	if err != nil {
		return err
	}
	body, err := c.post(ctx, "/nodes/"+string(id)+"/check", map[string]any{})
	if err != nil {
		return err
	}
	var found rechecked
	if err := show(c, body, func(r rechecked) {
		t := a.plainTable("VERDICT", "CHECK", "WHAT WAS FOUND")
		for _, k := range r.Checks {
			t.AppendRow(table.Row{k.Verdict, k.ID, k.Message})
		}
		t.Render()
	}); err != nil {
		return err
	}
	if err := decodeAnswer(body, &found); err != nil {
		return err
	}
	worst := checks.Pass
	for _, k := range found.Checks {
		if !k.Shadow && k.Verdict.Worse(worst) {
			worst = k.Verdict
		}
	}
	switch worst {
	case checks.Fail:
		return exit{code: exitFail}
	case checks.Error, checks.NoData:
		return exit{code: exitUnknown}
	}
	return nil
}

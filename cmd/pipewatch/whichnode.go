package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// node is the id of the node that somebody means by dag/node, or by its name
// alone where only one DAG has it.
func (c *client) node(ctx context.Context, named string) (dag.NodeID, error) {
	body, err := c.get(ctx, "/nodes")
	if err != nil {
		return "", err
	}
	var all struct{ Nodes []struct{ ID dag.NodeID } }
	if err := decodeAnswer(body, &all); err != nil {
		return "", err
	}
	var meant, ids []string
	for _, n := range all.Nodes {
		if string(n.ID) == named {
			return n.ID, nil
		}
		if n.ID.Name() == named {
			meant = append(meant, string(n.ID))
		}
		ids = append(ids, string(n.ID), n.ID.Name())
	}
	hint := "pipewatch status lists them"
	if near := conf.Nearest(named, ids); near != "" {
		hint = "did you mean " + near + "?"
	}
	switch {
	case len(meant) == 1:
		return dag.NodeID(meant[0]), nil
	case len(meant) > 1:
		return "", exit{exitUsage, fmt.Errorf("%q is a node of several DAGs: say which, %s", named, strings.Join(meant, " or "))}
	}
	return "", exit{exitUsage, fmt.Errorf("no DAG has a node %q: %s", named, hint)}
}

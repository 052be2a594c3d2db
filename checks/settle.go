package checks

import (
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// needRows is the problem of a check about rows on a node that has none.
func needRows(s Site) conf.Problems {
	if s.Node.Type != dag.Job {
		return nil
	}
	return conf.Problems{s.Spec.Params.KeyProblem("%s is about rows, and a job has none", s.Spec.Kind).
		WithCode("PW100").WithHint("put it on the table that the job writes")}
}

// noWhere is the problem of a condition on the rows of a check that reads none.
func noWhere(s Site) conf.Problems {
	if s.Spec.Where == "" {
		return nil
	}
	return conf.Problems{s.Spec.Params.KeyProblem("where has no meaning for %s", s.Spec.Kind).
		WithCode("PW100").WithHint("write the condition into the statement")}
}

// badZone is the problem of a zone that does not exist.
func badZone(v conf.Value) conf.Problems {
	if v.Kind() != conf.String {
		return nil
	}
	if _, err := dag.ParseZone(v.Text()); err != nil {
		return conf.Problems{v.Problem("%v", err).WithCode("PW110").WithHint("write an IANA name such as America/New_York")}
	}
	return nil
}

// needConnection is the problem of a statement with nowhere to go.
func needConnection(s Site) conf.Problems {
	if s.Node.Connection != "" {
		return nil
	}
	return conf.Problems{s.Spec.Params.KeyProblem("the node has no connection for the statement").
		WithCode(dag.UnknownConnection).WithHint("write connection: at the top of the file or in the node")}
}

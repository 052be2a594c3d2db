package main

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// The outputs for those who run check in a pipeline: junit for test reports,
// github for annotations, markdown for summaries and comments.

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"` // of the DAG
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string      `xml:"classname,attr"` // the node
	Name    string      `xml:"name,attr"`      // the check
	Seconds string      `xml:"time,attr"`
	Failure *junitWords `xml:"failure"`
	Error   *junitWords `xml:"error"`
	Out     string      `xml:"system-out,omitempty"`
}

type junitWords struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// printJUnit prints one suite a DAG and one case a check: a fail is a failure,
// an error or nodata is an error, everything else passes with its words.
func (a *app) printJUnit(rep incident.Report) error {
	var doc junitSuites
	for _, n := range rep.Nodes {
		name := n.ID.DAG()
		k := -1
		for i := range doc.Suites {
			if doc.Suites[i].Name == name {
				k = i
			}
		}
		if k < 0 {
			doc.Suites = append(doc.Suites, junitSuite{Name: name})
			k = len(doc.Suites) - 1
		}
		for _, c := range n.Checks {
			doc.Suites[k].add(n, c)
		}
	}
	fmt.Fprint(a.stdout, xml.Header)
	enc := xml.NewEncoder(a.stdout)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.stdout)
	return err
}

func (s *junitSuite) add(n incident.NodeReport, c incident.CheckReport) {
	s.Tests++
	t := junitCase{Class: string(n.ID), Name: c.ID.Name(), Seconds: fmt.Sprintf("%.3f", float64(c.TookMS)/1000)}
	words := &junitWords{Message: c.Message, Type: string(c.Reason), Text: strings.Join(c.SQL, ";\n")}
	switch {
	case c.Shadow:
		t.Out = fmt.Sprintf("shadow, %s: %s", c.Verdict, c.Message)
	case c.Verdict == checks.Fail:
		t.Failure = words
		s.Failures++
	case c.Verdict == checks.Error, c.Verdict == checks.NoData:
		words.Type = string(c.Verdict)
		t.Error = words
		s.Errors++
	case c.Verdict != checks.Pass:
		t.Out = fmt.Sprintf("%s: %s", c.Verdict, c.Message)
	}
	s.Cases = append(s.Cases, t)
}

// printGitHub prints a workflow command for each check that fails, cannot be
// answered or warns.
func (a *app) printGitHub(rep incident.Report) error {
	level := map[checks.Outcome]string{checks.Fail: "error", checks.Error: "error", checks.Warn: "warning"}
	for _, n := range rep.Nodes {
		for _, c := range n.Checks {
			if l := level[c.Verdict]; l != "" && !c.Shadow {
				if _, err := fmt.Fprintf(a.stdout, "::%s title=%s::%s%s\n", l, githubProperty.Replace(string(c.ID)), githubText.Replace(c.Message), githubText.Replace(followsFrom(n))); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// What a workflow command reads as its own is escaped as its runner undoes it.
var (
	githubText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// printMarkdown prints one table.
func (a *app) printMarkdown(rep incident.Report) error {
	fmt.Fprintln(a.stdout, "| check | verdict | what was found |\n|---|---|---|")
	for _, n := range rep.Nodes {
		for _, c := range n.Checks {
			verdict := marks[c.Verdict]
			if c.Shadow {
				verdict += " (shadow)"
			}
			if _, err := fmt.Fprintf(a.stdout, "| `%s` | %s | %s |\n", c.ID, verdict, markdownCell.Replace(c.Message+followsFrom(n))); err != nil {
				return err
			}
		}
	}
	return nil
}

var markdownCell = strings.NewReplacer("|", `\|`, "\n", "<br>", "<", "&lt;", ">", "&gt;", "`", "\\`")

// followsFrom names the cause of a node's trouble where that is elsewhere.
func followsFrom(n incident.NodeReport) string {
	if n.RootCause || len(n.CausedBy) == 0 {
		return ""
	}
	return fmt.Sprintf(" (follows from %s)", n.CausedBy[0])
}

package warehouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// Tokens is a Session of an engine that can tell whether tables were written, without
// reading them.
type Tokens interface {
	// Tokens reads the change tokens of tables at once, in the same order and number.
	Tokens(ctx context.Context, of []probe.Relation) []Token
}

// Token is what an engine knows of the writes to a table: with another value the
// table may have been written since.
type Token struct {
	Value string // empty where there is none
	// Sound: with the same value it was not written, but for what the engine has yet to
	// count (docs/engines.md says how long that may take).
	Sound     bool
	Why       string // why there is none, or why it is not sound
	Statement string // what a person can run to see the same
	Err       error
}

// readTokens reads the tokens of all tables whose digests can make use of them, in one
// statement.
func (p *planner) readTokens(ctx context.Context, qs []probe.Question) {
	p.tokens = make(map[probe.Relation]Token)
	var need []probe.Relation
	for _, q := range qs {
		d, ok := q.(probe.Digest)
		if !ok || !p.tokenHelps(d) {
			continue
		}
		if _, known := p.tokens[d.Of]; !known {
			p.tokens[d.Of] = Token{}
			need = append(need, d.Of)
		}
	}
	if len(need) == 0 {
		return
	}
	source, ok := p.session.(Tokens)
	if !ok {
		for _, of := range need {
			p.tokens[of] = Token{Why: "this engine has none"}
		}
		return
	}
	for i, token := range source.Tokens(ctx, need) {
		if token.Value != "" {
			// Another way to hash would not find the same version behind the same token.
			sum := sha256.Sum256([]byte(p.d.Fingerprint + "|" + token.Value))
			token.Value = hex.EncodeToString(sum[:8])
		}
		p.tokens[need[i]] = token
	}
}

// tokenHelps tells whether a digest is decided by the writes to its table: a condition
// may depend on the time, and a query on anything.
func (p *planner) tokenHelps(q probe.Digest) bool {
	switch {
	case q.Of.Query != "" || q.Of.Table == "" || q.Where != "":
		return false
	case q.Tier == probe.NativeTier:
		return true
	}
	return q.Tier == probe.ContentTier && p.d.SoundTokens
}

// tokenOf is the token of a digest's table; none where it does not help.
func (p *planner) tokenOf(q probe.Digest) Token {
	if !p.tokenHelps(q) {
		return Token{}
	}
	return p.tokens[q.Of]
}

// unchanged tells whether a question is about a table that still has the token for
// which it was asked.
func (p *planner) unchanged(q probe.Question) (Token, bool) {
	d, ok := q.(probe.Digest)
	if !ok || d.Unless == "" || d.Tier != probe.ContentTier || !p.tokenHelps(d) {
		return Token{}, false
	}
	token := p.tokens[d.Of]
	return token, token.Sound && token.Value == d.Unless
}

// onto adds the token to an answer.
func (t Token) onto(d probe.Digests) probe.Digests {
	d.Token, d.Sound, d.Hint = t.Value, t.Sound, t.Why
	return d
}

// version is the token as a version of the table.
func (t Token) version(of table, columns []probe.Column, d Dialect) (any, error) {
	switch {
	case t.Err != nil:
		return nil, t.Err
	case t.Value == "":
		return nil, refuse(probe.Statement, "%s has no change token: %s; use of: content", of.name, t.Why)
	}
	return t.onto(probe.Digests{Columns: columns, Value: t.Value, Fingerprint: d.Fingerprint + "/token"}), nil
}

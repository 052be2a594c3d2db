package strictslack

import (
	"crypto/subtle"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is a Slack workspace behind an http.Handler: /api/{method},
// /services/{hook}, /actions/… (response_url) and /link (Socket Mode) for
// programs, / and /c/{channel} for people.
type Server struct {
	config Config
	mux    *http.ServeMux

	mu         sync.Mutex // guards all below
	channels   map[string]*channel
	log        []*Request
	scripts    map[string][]Fault
	tokenError string
	base       string               // how the app calls us, as of its last call
	replies    map[string]*reply    // response_urls by id
	tickets    map[string]time.Time // addresses of sockets nobody has connected to, and until when one may
	links      []*link              // in the order in which they were opened
	envelopes  []*envelope
	turn       int // which connection is next
}

// New makes a workspace from a config. It panics on a channel name that Slack
// would not allow.
func New(config Config) *Server {
	config.Token = orDefault(config.Token, DefaultToken)
	config.Team = orDefault(config.Team, "Pipewatch")
	config.BotName = orDefault(config.BotName, "pipewatch")
	config.AppToken = orDefault(config.AppToken, DefaultAppToken)
	config.SigningSecret = orDefault(config.SigningSecret, DefaultSigningSecret)
	if len(config.Users) == 0 {
		config.Users = []User{{ID: "U0YOU00000", Name: "you", RealName: "You"}}
	}
	if config.AckWithin == 0 {
		config.AckWithin = 3 * time.Second
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Location == nil {
		config.Location = time.UTC
	}
	s := &Server{
		config: config, mux: http.NewServeMux(), channels: map[string]*channel{}, scripts: map[string][]Fault{},
		replies: map[string]*reply{}, tickets: map[string]time.Time{},
	}
	for _, ch := range config.Channels {
		s.put(ch)
	}
	s.mux.HandleFunc("/api/{method}", s.serveMethod)
	s.mux.HandleFunc("POST /services/{hook...}", s.serveWebhook)
	s.mux.HandleFunc("POST /actions/"+teamID+"/{id}", s.serveReply)
	s.mux.HandleFunc("GET /link", s.serveLink)
	s.routePages()
	return s
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// ServeHTTP answers one call or draws one page.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// answer is what a call gets: a JSON body, or plain text where body is nil.
type answer struct {
	status     int // default 200
	body       map[string]any
	plain      string
	retryAfter time.Duration
}

func accept(body map[string]any) answer {
	body["ok"] = true
	return answer{body: body}
}

// refuse is Slack's answer to a call that it does not carry out.
func refuse(code string, found ...Violation) answer {
	body := map[string]any{"ok": false, "error": code}
	if len(found) > 0 {
		var plain, messages []string
		for _, v := range found {
			plain = append(plain, v.String())
			messages = append(messages, "[ERROR] "+v.String())
		}
		body["errors"] = plain
		body["response_metadata"] = map[string]any{"messages": messages}
	}
	return answer{body: body}
}

func rateLimited(after time.Duration) answer {
	a := refuse("ratelimited")
	a.status, a.retryAfter = http.StatusTooManyRequests, after
	return a
}

// method is one method of the Web API.
type method struct {
	scope string // what the token must be allowed; empty for nothing
	open  bool   // needs no token
	app   bool   // needs the app's token, not the bot's
	takes map[string]argument
	run   func(*Server, *call, Fault) answer
}

func (s *Server) serveMethod(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	m, known := methods[name]
	if !known {
		a := refuse("unknown_method")
		a.body["req_method"] = name
		a.write(w)
		return
	}
	c, fail := read(w, r, name, m.takes)
	q := s.record(c)
	if a, denied := s.authorise(c, m); denied {
		s.finish(w, q, a)
		return
	}
	s.carryOut(w, r, q, func(f Fault) answer {
		if fail != nil {
			a := refuse(fail.code)
			if len(fail.messages) > 0 {
				a.body["response_metadata"] = map[string]any{"messages": fail.messages}
			}
			return a
		}
		return m.run(s, c, f)
	})
}

// carryOut runs a call under the fault that is planned for it.
func (s *Server) carryOut(w http.ResponseWriter, r *http.Request, q *Request, run func(Fault) answer) {
	f := s.nextFault(*q)
	if !f.wait(r) {
		return
	}
	var a answer
	if f.Store || !f.strikes() {
		a = run(f)
	}
	switch {
	case !f.strikes():
		s.finish(w, q, a)
	case f.Hang && !f.Reset:
		<-r.Context().Done()
	case f.Reset:
		sever(w)
	default:
		s.finish(w, q, f.answer())
	}
}

// authorise checks the token and its scopes.
func (s *Server) authorise(c *call, m method) (answer, bool) {
	if m.open {
		return answer{}, false
	}
	s.mu.Lock()
	revoked := s.tokenError
	s.mu.Unlock()
	needed := m.scope
	if c.flag("include_all_metadata") && s.lacks("metadata.message:read") {
		needed = "metadata.message:read"
	}
	switch right, wrong := s.config.Token, s.config.AppToken; {
	case c.token == "":
		return refuse("not_authed"), true
	case m.app && c.token == right, !m.app && c.token == wrong:
		return refuse("not_allowed_token_type"), true
	case m.app && c.token == wrong:
		return answer{}, false
	case subtle.ConstantTimeCompare([]byte(c.token), []byte(s.config.Token)) == 0:
		return refuse("invalid_auth"), true
	case revoked != "":
		return refuse(revoked), true
	case s.lacks(needed):
		a := refuse("missing_scope")
		a.body["needed"], a.body["provided"] = needed, strings.Join(s.config.Scopes, ",")
		return a, true
	}
	return answer{}, false
}

func (s *Server) lacks(scope string) bool {
	return scope != "" && s.config.Scopes != nil && !slices.Contains(s.config.Scopes, scope)
}

func (s *Server) record(c *call) *Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = c.baseURL
	q := &Request{Seq: len(s.log) + 1, Method: c.method, Args: c.args, At: s.config.Now()}
	s.log = append(s.log, q)
	return q
}

func (s *Server) finish(w http.ResponseWriter, q *Request, a answer) {
	status, body := a.rendered()
	s.mu.Lock()
	q.Status, q.Answer = status, string(body)
	q.Error, _ = a.body["error"].(string)
	s.mu.Unlock()
	a.write(w)
}

func (a answer) rendered() (int, []byte) {
	status := max(a.status, http.StatusOK)
	if a.body == nil {
		return status, []byte(a.plain)
	}
	return status, encode(a.body)
}

func (a answer) write(w http.ResponseWriter) {
	status, body := a.rendered()
	kind := "application/json; charset=utf-8"
	if a.body == nil {
		kind = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(a.retryAfter.Seconds()))))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left has nobody to tell
}

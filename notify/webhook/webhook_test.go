package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/webhook"
)

const secret = conf.Secret("a key of thirty-two characters..")

var now = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

func hook(t *testing.T, url string, allow ...netip.Prefix) *webhook.Hook {
	t.Helper()
	h, err := webhook.New(webhook.Config{URL: conf.Secret(url), Secret: secret, Allow: allow, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// stale is a notice of an incident that has just opened.
func stale() notify.Notice {
	i := incident.Incident{
		ID: "inc-1", Kind: incident.Data, Status: incident.Open, Root: "shop/orders", Severity: dag.Error, Onset: now, OpenedAt: now, Seq: 3,
		Blocks:   []dag.NodeID{"shop/report"},
		Findings: []incident.Finding{{Check: "shop/orders/freshness", Outcome: checks.Fail, Reason: checks.Stale, Message: "7h old, limit 6h <b>&"}},
	}
	return notify.Notice{ID: "inc-1/0", Seq: 3, Incident: i, Owner: "ml-data", Link: "https://pw.example.com/incidents/inc-1"}
}

// request is what a receiver got.
type request struct {
	header http.Header
	body   []byte
}

func receiver(t *testing.T, answer http.HandlerFunc) (string, *[]request) {
	t.Helper()
	var got []request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, request{r.Header, body})
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/in?key=canary-in-the-address", &got
}

func TestMessageIsSignedAndSaysWhatIsWrong(t *testing.T) {
	url, got := receiver(t, nil)
	if _, err := hook(t, url).Post(t.Context(), "webhook", notify.Ref{}, stale()); err != nil {
		t.Fatal(err)
	}
	r := (*got)[0]
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(r.header.Get("Pipewatch-Timestamp") + "." + string(r.body)))
	if want := "v1=" + hex.EncodeToString(mac.Sum(nil)); r.header.Get("Pipewatch-Signature") != want {
		t.Errorf("signature %s, want %s", r.header.Get("Pipewatch-Signature"), want)
	}
	if r.header.Get("Pipewatch-Timestamp") != fmt.Sprint(now.Unix()) || r.header.Get("Pipewatch-Id") != "inc-1/0#3" {
		t.Errorf("headers %v", r.header)
	}
	var e webhook.Event
	if err := json.Unmarshal(r.body, &e); err != nil {
		t.Fatal(err)
	}
	if e.Title != "shop/orders is stale — 1 node below is blocked" || e.What != "opened" || e.Incident.Checks[0].Message != "7h old, limit 6h <b>&" {
		t.Errorf("event %+v", e)
	}
}

func TestHugeIncidentIsCutToFit(t *testing.T) {
	url, got := receiver(t, nil)
	n := stale()
	for k := range 20_000 {
		n.Incident.Blocks = append(n.Incident.Blocks, dag.NodeID(fmt.Sprintf("shop/table_%d", k)))
	}
	if _, err := hook(t, url).Post(t.Context(), "webhook", notify.Ref{}, n); err != nil {
		t.Fatal(err)
	}
	var e webhook.Event
	if err := json.Unmarshal((*got)[0].body, &e); err != nil || !e.Truncated || len((*got)[0].body) > webhook.MaxBody {
		t.Errorf("%d bytes, truncated %v, error %v", len((*got)[0].body), e.Truncated, err)
	}
}

func TestEveryAnswerHasItsClassAndIsNotRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		want   notify.Class
	}{
		"200 is taken": {200, ""}, "204 is taken": {204, ""}, "400 is dead": {400, notify.IsDead}, "401 is dead": {401, notify.IsDead},
		"404 is dead": {404, notify.IsDead}, "410 is dead": {410, notify.IsDead}, "408 may have stored": {408, notify.Ambiguous},
		"429 rests": {429, notify.IsRetry}, "500 may have stored": {500, notify.Ambiguous}, "503 may have stored": {503, notify.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, strings.Repeat("canary-in-the-answer ", 10_000))
			})
			_, err := hook(t, url).Post(t.Context(), "webhook", notify.Ref{}, stale())
			class, after := notify.ClassOf(err)
			if (err == nil) != (c.want == "") || err != nil && class != c.want || class == notify.IsRetry && after != 7*time.Second {
				t.Errorf("%s, %v: %v", class, after, err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats a secret or an answer: %v", err)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere, got := receiver(t, nil)
	url, _ := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	})
	_, err := hook(t, url).Post(t.Context(), "webhook", notify.Ref{}, stale())
	if class, _ := notify.ClassOf(err); class != notify.IsDead || len(*got) > 0 || strings.Contains(err.Error(), "canary") {
		t.Errorf("%d requests elsewhere, error %v", len(*got), err)
	}
}

func TestOnlyAddressesInTheWorldAreCalled(t *testing.T) {
	forbidden := []string{
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.127.255.254",
		"0.0.0.0", "0.1.2.3", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
		"240.0.0.1", "255.255.255.255", "127.0.0.1", "127.1.2.3", "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[fd00::1]", "[ff02::1]",
		"[fec0::1]", "[2001:db8::1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2001::1]",
		"[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[::ffff:10.0.0.1]", "[::ffff:192.168.0.1]",
	}
	for _, host := range forbidden {
		t.Run(host, func(t *testing.T) {
			address := "https://" + host + ":9/in"
			if host == "127.0.0.1" || host == "127.1.2.3" || host == "[::1]" || host == "[::ffff:127.0.0.1]" {
				t.Skip("written as this machine, it is the operator's own wish")
			}
			_, err := hook(t, address).Post(t.Context(), "webhook", notify.Ref{}, stale())
			if class, _ := notify.ClassOf(err); class != notify.IsDead || !strings.Contains(err.Error(), "not public") {
				t.Errorf("%s: %v", class, err)
			}
		})
	}
}

// A name that leads to this machine is refused at the moment of the connection,
// whatever it led to when the file was read. "ip6-localhost" and the numeric
// forms of libc are names here.
func TestNamesThatLeadHereAreRefused(t *testing.T) {
	for _, host := range []string{"localhost.", "ip6-localhost", "0x7f.1", "2130706433", "127.1", "0177.0.0.1"} {
		_, err := hook(t, "https://"+host+":9/in").Post(t.Context(), "webhook", notify.Ref{}, stale())
		if class, _ := notify.ClassOf(err); class != notify.IsDead && class != notify.IsUnsent {
			t.Errorf("%s: %s: %v", host, class, err)
		}
	}
}

func TestNetworksOfTheOperatorMayBeCalled(t *testing.T) {
	_, err := hook(t, "https://10.255.255.1:9/in", netip.MustParsePrefix("192.168.0.0/16")).Post(t.Context(), "webhook", notify.Ref{}, stale())
	if class, _ := notify.ClassOf(err); class != notify.IsDead {
		t.Errorf("outside what is allowed: %v", err)
	}
	url, got := receiver(t, nil)
	if _, err := hook(t, url, netip.MustParsePrefix("10.0.0.0/8")).Post(t.Context(), "webhook", notify.Ref{}, stale()); err != nil || len(*got) != 1 {
		t.Errorf("this machine: %v", err)
	}
}

func TestAddressesThatMakeNoSenseAreRefusedWithoutRepeatingThem(t *testing.T) {
	for _, bad := range []string{
		"", "canary", "http://canary.example.com/", "ftp://canary.example.com/", "https://", "file:///canary", "https:canary", "//canary/x",
		"http://127.0.0.1.canary.example.com/", "http://localhost.canary.example.com/", "https://%zzcanary",
	} {
		err := webhook.CheckURL(bad)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"https://hooks.example.com/x?y", "http://localhost:8080/", "http://127.0.0.1:1/", "http://[::1]:1/"} {
		if err := webhook.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestNobodyListeningIsUnsent(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	_, err := hook(t, server.URL+"/canary").Post(t.Context(), "webhook", notify.Ref{}, stale())
	if class, _ := notify.ClassOf(err); class != notify.IsUnsent || strings.Contains(err.Error(), "canary") || errors.Is(err, nil) {
		t.Errorf("%s: %v", class, err)
	}
}

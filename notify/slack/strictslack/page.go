package strictslack

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"
)

// This file draws the workspace for people: the list of channels and one
// channel with its messages. The page runs without scripts; the one it has
// only fetches the page anew and puts in what changed.

//go:embed page
var pageFiles embed.FS

// contentPolicy lets the page load its own files and nothing else: no message
// can make a browser fetch or run anything. A click is a form that is sent here.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func (s *Server) routePages() {
	assets, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic("strictslack: open the embedded page: " + err.Error())
	}
	s.mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { s.servePage(w, r, "") })
	s.mux.HandleFunc("GET /c/{channel}", func(w http.ResponseWriter, r *http.Request) { s.servePage(w, r, r.PathValue("channel")) })
	s.mux.Handle("POST /press/{channel}/{ts}", http.NewCrossOriginProtection().Handler(http.HandlerFunc(s.servePress)))
	s.mux.HandleFunc("GET /archives/{channel}/{message}", s.serveArchive)
}

// view is what the template draws.
type view struct {
	Team, Bot string
	Channels  []channelItem
	Current   *channelItem // nil on the list
	Days      []day
}

type channelItem struct {
	Channel
	Count  int // root messages
	Latest string
}

// day is a day's messages under its divider.
type day struct {
	Label string
	Items []item
}

// item is a message as it is shown: with its place and its thread.
type item struct {
	Message
	Anchor, Clock, Full string // #p…, 9:41 AM, the whole time
	Compact             bool   // follows the same poster's within minutes: no picture, no name
	Parent              string // text of the root, on a broadcast reply shown in the channel
	Replies             []item
	LastReply           string
	Trouble             string // why the last press came to nothing
}

// compactWithin is how close messages of one poster stand to be drawn as one.
const compactWithin = 5 * time.Minute

func (s *Server) servePage(w http.ResponseWriter, r *http.Request, name string) {
	v, rend, found := s.view(name)
	if !found {
		http.Error(w, "no channel "+name+"; the list is at /", http.StatusNotFound)
		return
	}
	t := template.Must(template.New("page.tmpl").Funcs(rend.funcs()).ParseFS(pageFiles, "page/page.tmpl"))
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		http.Error(w, "draw the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", contentPolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = b.WriteTo(w) // a reader that left has nobody to tell
}

// funcs are what the template says in JSON's place.
func (r renderer) funcs() template.FuncMap {
	return template.FuncMap{
		"mrkdwn":   r.mrkdwn,
		"plain":    r.plain,
		"anchor":   anchor,
		"rich":     r.richText,
		"markdown": r.markdown,
		"text": func(o map[string]any) template.HTML {
			s, _ := o["text"].(string)
			if o["type"] == "mrkdwn" {
				return r.mrkdwn(s)
			}
			return r.plain(s)
		},
		"colour":  barColour,
		"choices": choicesOf,
		"initial": func(s string) string {
			return strings.ToUpper(string([]rune(s + "?")[:1]))
		},
	}
}

// barColour is the colour of an attachment's bar.
func barColour(v any) string {
	s, _ := v.(string)
	named := map[string]string{"good": "#2eb886", "warning": "#daa038", "danger": "#a30200"}
	switch {
	case named[s] != "":
		return named[s]
	case !colour.MatchString(s):
		return "#dddddd"
	}
	return "#" + strings.TrimPrefix(s, "#")
}

// view gathers what the page of a channel shows; of the list when name is "".
func (s *Server) view(name string) (view, renderer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rend := renderer{
		users: map[string]string{botUserID: s.config.BotName}, groups: map[string]string{}, channels: map[string]string{},
		now: s.config.Now(), zone: s.config.Location,
	}
	for _, u := range s.config.Users {
		rend.users[u.ID] = u.Name
	}
	for _, g := range s.config.Usergroups {
		rend.groups[g.ID] = g.Handle
	}
	v := view{Team: s.config.Team, Bot: s.config.BotName}
	current := s.lookup(name)
	for _, ch := range s.ordered() {
		rend.channels[ch.ID] = ch.Name
		it := channelItem{Channel: ch.Channel}
		for _, m := range ch.messages {
			if m.ThreadTS == "" {
				it.Count++
				it.Latest = rend.when(m.Posted)
			}
		}
		v.Channels = append(v.Channels, it)
		if ch == current {
			v.Current = &it
		}
	}
	if current != nil {
		v.Days = rend.days(current)
	}
	return v, rend, name == "" || current != nil
}

// days puts a channel's messages in the order and the groups of the page.
func (r renderer) days(ch *channel) []day {
	var days []day
	var before item
	for _, m := range ch.messages {
		if m.ThreadTS != "" && !m.Broadcast {
			continue
		}
		it := r.item(m)
		if m.ThreadTS == "" {
			for _, reply := range ch.replies(m.TS) {
				it.Replies = append(it.Replies, r.item(reply))
				it.LastReply = r.when(reply.Posted)
			}
		} else if root := ch.find(m.ThreadTS); root != nil {
			it.Parent = root.Text
		}
		label := r.dayLabel(m.Posted)
		if len(days) == 0 || days[len(days)-1].Label != label {
			days = append(days, day{Label: label})
		} else {
			it.Compact = before.Name == it.Name && it.Posted.Sub(before.Posted) < compactWithin && it.Parent == "" && len(before.Replies) == 0
		}
		days[len(days)-1].Items = append(days[len(days)-1].Items, it)
		before = it
	}
	return days
}

func (r renderer) item(m *stored) item {
	at := m.Posted.In(r.zone)
	return item{
		Message: m.snapshot(), Trouble: m.trouble, Anchor: anchor(m.TS), Clock: at.Format("3:04 PM"),
		Full: at.Format("Monday, January 2, 2006 at 3:04:05 PM MST"),
	}
}

// when is a time in a sentence: today at 9:41 AM.
func (r renderer) when(t time.Time) string {
	at := t.In(r.zone)
	day := r.nearDay(at)
	if day == "" {
		day = at.Format("January ") + ordinal(at.Day())
		if at.Year() != r.now.In(r.zone).Year() {
			day += at.Format(", 2006")
		}
	}
	return day + at.Format(" at 3:04 PM")
}

func (r renderer) dayLabel(t time.Time) string {
	at := t.In(r.zone)
	switch word := r.nearDay(at); word {
	case "today":
		return "Today"
	case "yesterday":
		return "Yesterday"
	}
	label := at.Format("Monday, January ") + ordinal(at.Day())
	if at.Year() != r.now.In(r.zone).Year() {
		label += at.Format(", 2006")
	}
	return label
}

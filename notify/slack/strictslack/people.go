package strictslack

var usergroupArgs = map[string]argument{
	"include_users": isFlag, "include_count": isFlag, "include_disabled": isFlag, "team_id": isText,
}

func (s *Server) authTest(c *call, _ Fault) answer {
	return accept(map[string]any{
		"url": c.baseURL + "/", "team": s.config.Team, "team_id": teamID,
		"user": s.config.BotName, "user_id": botUserID, "bot_id": botID, "is_enterprise_install": false,
	})
}

func (s *Server) usergroupList(c *call, _ Fault) answer {
	groups := []map[string]any{}
	for _, g := range s.config.Usergroups {
		w := map[string]any{
			"id": g.ID, "team_id": teamID, "is_usergroup": true, "handle": g.Handle, "name": g.Name, "date_delete": 0,
		}
		if c.flag("include_users") {
			w["users"] = append([]string{}, g.Users...)
		}
		if c.flag("include_count") {
			w["user_count"] = len(g.Users)
		}
		groups = append(groups, w)
	}
	return accept(map[string]any{"usergroups": groups})
}

func (s *Server) userByEmail(c *call, _ Fault) answer {
	for _, u := range s.config.Users {
		if u.Email != "" && u.Email == c.text("email") {
			return accept(map[string]any{"user": map[string]any{
				"id": u.ID, "team_id": teamID, "name": u.Name, "real_name": u.RealName, "deleted": false,
				"profile": map[string]any{"email": u.Email, "real_name": u.RealName, "display_name": u.Name},
			}})
		}
	}
	return refuse("users_not_found")
}

func (s *Server) user(id string) *User {
	for i, u := range s.config.Users {
		if u.ID == id {
			return &s.config.Users[i]
		}
	}
	return nil
}

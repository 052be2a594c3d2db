package seeded

// verdicts are bugs of what checks ask and of what the answers mean.
var verdicts = []Mutant{
	{
		Name: "few-rows-judged", Does: "a share of three rows fails a check that wants ten", Suite: "checks", Run: "Joins",
		Bug: Bug{"checks", "joins.go", "return eligible > 0 && (p.MinEligible == nil || eligible >= *p.MinEligible)", "return eligible > 0"},
	},
	{
		Name: "parents-by-rows", Does: "a parent with many rows covers those without any", Suite: "warehouse/duckdb", Run: "TestCases/joins",
		Bug: Bug{"warehouse", "coverage.go", "(select count(*) from parent where exists (select 1", "(select sum(parents) from parent where exists (select 1"},
	},
	{
		Name: "horizon-excluded", Does: "a row exactly at the horizon is no watermark", Suite: "warehouse/duckdb", Run: "TestMeaning/random",
		Bug: Bug{"warehouse", "moment.go", `return c.cond(c.native(), "<=", horizon)`, `return c.cond(c.native(), "<", horizon)`},
	},
	{
		Name: "cut-buckets-short", Does: "the last bucket of a range that ends within it has fewer rows than it has", Suite: "warehouse/duckdb", Run: "TestMeaning/random",
		Bug: Bug{"warehouse", "moment.go", "	if !to.IsZero() {\n		to = probe.At(alignUp(b.per, to.Time(), b.loc))\n	}\n", ""},
	},
	{
		Name: "kept-what-looked", Does: "after an edit elsewhere a check means what it meant in the graph of before", Suite: "checks", Run: "LoadedAnew",
		Bug: Bug{"checks", "compile.go", "	out.alone = !to.looked\n", "	out.alone = true\n"},
	},
	{
		Name: "growth-since-recheck", Does: "a check by hand makes the next evaluation fail", Suite: "checks", Run: "RowCount",
		Bug: Bug{"checks", "row_count_growth.go", "	case due == 0:\n", "	case due < 0:\n"},
	},
	{
		Name: "growth-of-one-night", Does: "growth after a pause is held against one evaluation", Suite: "checks", Run: "RowCount",
		Bug: Bug{"checks", "row_count_growth.go", "g.over(max(due, 1))", "g.over(1)"},
	},
	{
		Name: "widths-are-types", Does: "MariaDB's bigint(20) is not wider than its int(11)", Suite: "checks", Run: "TypesThatHoldMore",
		Bug: Bug{"checks", "version_schema.go", `width.ReplaceAllString(typ, "$1")`, "typ"},
	},
	{
		Name: "segments-by-collation", Does: "MariaDB judges 'AA' and 'aa' together", Suite: "warehouse/mysql", Run: "TestCases/(joins|freshness|row_count)/segments",
		Bug: Bug{"warehouse", "buckets.go", "	if c.Class == probe.Text {\n		text = p.d.Plain", "	if c.Class == probe.Other {\n		text = p.d.Plain"},
	},
	{
		Name: "lists-by-collation", Does: "a column whose collation takes 'Paid' for 'paid' finds it on a list of 'paid'", Suite: "warehouse/duckdb", Run: "GoByItsBytes",
		Bug: Bug{"warehouse", "scan.go", "case c.Class == probe.Text && p.d.ByBytes != nil:", "case c.Class == probe.Float && p.d.ByBytes != nil:"},
	},
	{
		Name: "short-floats-by-long-numbers", Does: "0.1 in a float of 32 bits is not 0.1", Suite: "warehouse/postgres", Run: "TestMeaning/a_float_of_32_bits",
		Bug: Bug{"warehouse", "scan.go", `(base == "float" || base == "real")`, `base == ""`},
	},
	{
		Name: "rows-limited-by-the-server", Does: "a limit of MariaDB's administrator cuts answers short in silence", Suite: "warehouse/mysql", Run: "NoSetting",
		Bug: Bug{"warehouse/mysql", "mysql.go", "sql_select_limit = 18446744073709551615", "sql_select_limit = 1"},
	},
	{
		Name: "not-null-on-trust", Does: "a NOT NULL that was never validated counts as no NULLs", Suite: "warehouse/postgres", Run: "NeverValidated",
		Bug: Bug{"warehouse/postgres", "describe.go", "n.contype = 'n'", "n.contype = 'x'"},
	},
	{
		Name: "walls-in-utc", Does: "a clock without a zone is read as UTC whatever column_tz says", Suite: "warehouse/duckdb", Run: "TestDifferential",
		Bug: Bug{"warehouse", "moment.go", "		if !c.plain {\n", "		if !c.plain && c.zone == \"\" {\n"},
	},
	{
		Name: "labels-by-collation", Does: "labels 'x' and 'X' of one example agree on MariaDB", Suite: "warehouse/mysql", Run: "TestCases/labels",
		Bug: Bug{"warehouse", "cohorts.go", "p.comparable(value, p.d.Plain(value, p.d.Quote(value.Name)))", "p.d.Quote(value.Name)"},
	},
	{
		Name: "one-spoils-its-neighbours", Does: "what shares a statement with a question that fails is not asked again", Suite: "warehouse/postgres", Run: "AThousandTables",
		Bug: Bug{"warehouse", "pipe.go", "if failed != nil && len(st.answers) > 1 && ctx.Err() == nil {", "if failed != nil && len(st.answers) > 1 && ctx.Err() != nil {"},
	},
	{
		Name: "views-as-one", Does: "a view that fails takes the columns of others with it", Suite: "warehouse/duckdb", Run: "ViewsAreBound",
		Bug: Bug{"warehouse/duckdb", "describe.go", "			out[b.place] = s.bindAlone(ctx, b)\n", "			out[b.place].Err = err\n"},
	},
}

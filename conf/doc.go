// Package conf reads pipewatch's YAML files strictly and says precisely what is
// wrong with them.
//
// It exists because a watcher that misreads its own instructions is worse than
// none: an unknown key, a duplicate key, a number where a duration belongs or a
// percentage without its sign is a [Problem] with file, line, column, a hint and,
// where one is near, the word that was probably meant. Every problem of a file is
// reported in one run, not the first.
//
// It is not a configuration system: it knows no key of pipewatch.yaml or of a DAG
// file, reads no environment (the caller of [Value.Expand] does), and keeps no
// global state. It is the only package that knows which YAML library is used.
//
// # Data model
//
// A file becomes a tree of [Value]s. A Value is a small handle: an immutable node
// (kind, text, line, column), the key it stands under, and the path by which it
// was reached ("nodes.orders.joins[0].to"). Handles stay valid for ever, so one
// package can decode half of a file and hand the other half, still with its
// positions, to another. Aliases and merge keys are resolved when the tree is
// built; a subtree that is referred to many times is stored once.
//
// Typed values are reached with [Value.Decode], which follows Go struct tags; the
// same tags make the JSON Schema of [SchemaOf]:
//
//	yaml:"min_match"                          the key; "-" hides a field; embedded structs are inlined
//	jsonschema:"required,enum=warn,enum=error" also minimum, maximum, minLength, minItems, pattern
//	jsonschema_description:"…"                text for editors; not used when decoding
//	later:"buttons come with a later release"  a key that is promised but not built: refused, and not in the schema
//
// A key that is absent leaves its field untouched; use a pointer to tell absence
// from zero. A type that reads itself implements [Decoder], and [Schemer] for its
// schema.
//
// # Hostile files
//
// A file is refused before it can cost anything: size, depth, aliases, scalar size
// and tags are bounded (see [MaxFile] and its neighbours), only regular files are
// opened, and never through a link that leaves the folder. Messages repeat no
// control characters and no text that was interpolated or that stands under a key
// named like a secret.
package conf

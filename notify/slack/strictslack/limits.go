package strictslack

// Slack's limits for messages. Lengths are characters, not bytes.
const (
	maxBody = 1 << 20 // bytes of one request; ours, Slack names none

	maxPostText    = 40000 // chat.postMessage; Slack advises 4,000
	maxUpdateText  = 4000  // chat.update refuses from here on
	maxBlocks      = 50    // in the whole message, attachments included
	maxAttachments = 100
	maxMetadata    = 16000 // bytes of event_payload; ours, Slack says only "too large"
	maxEventType   = 255

	maxSectionText = 3000
	maxFields      = 10
	maxFieldText   = 2000
	maxHeaderText  = 150
	maxActions     = 25
	maxContext     = 10
	maxContextText = 2000
	maxMarkdown    = 12000 // over all markdown blocks of a message
	maxID          = 255   // block_id and action_id

	maxTables      = 1
	maxTableRows   = 100
	maxTableCols   = 20
	maxTableText   = 10000 // over all cells
	maxRichText    = 3000  // one run of text in a rich_text block
	maxRichItems   = 1000
	maxURL         = 3000
	maxAltText     = 2000
	maxImageTitle  = 2000
	maxButtonText  = 75
	maxButtonValue = 2000
	maxOptions     = 100
	maxOptionText  = 75
	maxOptionValue = 150
	maxOverflow    = 5
	maxChoices     = 10 // options of checkboxes and radio buttons
	maxPlaceholder = 150
	maxConfirmHead = 100
	maxConfirmText = 300
	maxConfirmWord = 30

	defaultPage = 100 // conversations.* without a limit
	maxPage     = 999
)

package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"go.etcd.io/bbolt"
)

// A frame is what every value looks like:
//
//	byte 0     version, which is the form of the payload
//	bytes 1-4  CRC-32C, big-endian, of the key, the version and the payload
//	bytes 5-   payload
//
// The key is part of the checksum, so that a value under another's key is
// noticed too.
const (
	plainJSON byte = 1
	deflated  byte = 2
	packed    byte = 3 // a run, see packed.go

	frameHead = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(key string, version byte, payload []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte(key))
	sum = crc32.Update(sum, castagnoli, []byte{version})
	return crc32.Update(sum, castagnoli, payload)
}

// seal frames a payload for a key.
func seal(key string, version byte, payload []byte) []byte {
	b := make([]byte, frameHead, frameHead+len(payload))
	b[0] = version
	binary.BigEndian.PutUint32(b[1:], checksum(key, version, payload))
	return append(b, payload...)
}

// unseal gives the payload of a frame, inflated. It is valid after the
// transaction only when it was deflated.
func unseal(bucket, key string, frame []byte) ([]byte, error) {
	if err := intact(bucket, key, frame); err != nil {
		return nil, err
	}
	bad := func(err error) error { return &CorruptError{Bucket: bucket, Key: key, Cause: err} }
	version, payload := frame[0], frame[frameHead:]
	switch version {
	case plainJSON, packed:
		return payload, nil
	case deflated:
		b, err := inflate(payload)
		if err != nil {
			return nil, bad(err)
		}
		return b, nil
	}
	return nil, bad(fmt.Errorf("record version %d is not known", version))
}

// intact holds a frame against its checksum.
func intact(bucket, key string, frame []byte) error {
	bad := func(err error) error { return &CorruptError{Bucket: bucket, Key: key, Cause: err} }
	if len(frame) < frameHead {
		return bad(fmt.Errorf("%d bytes are no record", len(frame)))
	}
	if version, payload := frame[0], frame[frameHead:]; binary.BigEndian.Uint32(frame[1:]) != checksum(key, version, payload) {
		return bad(errors.New("its checksum does not match"))
	}
	return nil
}

// encode frames a value as JSON.
func encode(key string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %q: %w", key, err)
	}
	return seal(key, plainJSON, b), nil
}

// write puts a value under a key.
func write(b *bbolt.Bucket, key string, v any) error {
	frame, err := encode(key, v)
	if err != nil {
		return err
	}
	return b.Put([]byte(key), frame)
}

// decode reads a framed value.
func decode[T any](bucket, key string, frame []byte) (T, error) {
	var v T
	payload, err := unseal(bucket, key, frame)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(payload, &v); err != nil {
		return v, &CorruptError{Bucket: bucket, Key: key, Cause: err}
	}
	return v, nil
}

// read takes a value from a key; ErrUnknown when there is none.
func read[T any](b *bbolt.Bucket, bucket, key string) (T, error) {
	frame := b.Get([]byte(key))
	if frame == nil {
		return *new(T), fmt.Errorf("%s %q: %w", bucket, key, ErrUnknown)
	}
	return decode[T](bucket, key, frame)
}

// A compressor has tables of a megabyte: worth keeping from run to run.
var compressors = sync.Pool{New: func() any {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic("store: " + err.Error()) // unreachable: the level is valid
	}
	return w
}}

// deflate compresses. Writing into memory does not fail.
func deflate(b []byte) []byte {
	var out bytes.Buffer
	w := compressors.Get().(*flate.Writer)
	defer compressors.Put(w)
	w.Reset(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func inflate(b []byte) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(b))
	defer r.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	return out, nil
}

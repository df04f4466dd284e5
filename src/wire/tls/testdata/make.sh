#!/bin/sh
# Makes the certificates of the TLS tests anew: ./make.sh (needs openssl).
# They protect nothing; their keys are public on purpose.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
days=36500
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }

# name, subject, subject alternative names (empty: none), digest
issue() {
    key "$1"
    openssl req -new -key "$1.key" -subj "$2" -out "$work/$1.csr"
    if [ -n "$3" ]; then
        printf 'basicConstraints=CA:FALSE\nsubjectAltName=%s\n' "$3" > "$work/$1.ext"
    else
        printf 'basicConstraints=CA:FALSE\n' > "$work/$1.ext"
    fi
    openssl x509 -req -in "$work/$1.csr" -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" \
        -days $days "-$4" -extfile "$work/$1.ext" -out "$1.crt" 2>/dev/null
}

key ca
openssl req -x509 -key ca.key -subj "/CN=walcast test authority" -days $days -out ca.crt
key other
openssl req -x509 -key other.key -subj "/CN=another authority" -days $days -out other.crt
issue named /CN=ignored DNS:db.example,IP:127.0.0.1 sha256
issue common_name /CN=db.example "" sha384
# The manual's recipe for a self-signed server certificate: it is marked as an authority.
key self_signed
openssl req -x509 -key self_signed.key -subj /CN=db.example -days $days -sha512 -out self_signed.crt
# Version 1, as `openssl x509 -req` made it before OpenSSL 3.2.
key version1
openssl req -new -key version1.key -subj /CN=db.example -out "$work/version1.csr"
openssl x509 -req -in "$work/version1.csr" -CA ca.crt -CAkey ca.key -set_serial 7 -days $days -out version1.crt 2>/dev/null
rm -r "$work" ca.key other.key

#!/bin/sh
# Makes the certificates and keys of these tests anew. They are good for a hundred years and for nothing else.
set -eu
cd "$(dirname "$0")"
key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
authority() { # name subject
    openssl req -x509 $key -keyout "$1.key" -out "$1.crt" -subj "/CN=$2" -days 36500
}
leaf() { # name authority subject extension
    openssl req $key -keyout "$1.key" -out leaf.csr -subj "/CN=$3"
    echo "$4" >leaf.ext
    openssl x509 -req -in leaf.csr -CA "$2.crt" -CAkey "$2.key" -set_serial "0x$(openssl rand -hex 8)" -out "$1.crt" \
        -days 36500 -sha384 -extfile leaf.ext
}
authority ca "walcast tests"
authority other_ca "walcast tests, another authority"
leaf server ca ignored "subjectAltName=DNS:localhost"
leaf common_name_only ca localhost "basicConstraints=CA:FALSE"
leaf client ca u_certificate "basicConstraints=CA:FALSE"
leaf other_client other_ca u_certificate "basicConstraints=CA:FALSE"
openssl req -x509 -newkey ed25519 -nodes -keyout ed25519.key -out ed25519.crt -subj "/CN=localhost" \
    -addext "subjectAltName=DNS:localhost" -days 36500
openssl pkcs8 -topk8 -nocrypt -outform DER -in client.key -out client.pk8
openssl pkcs8 -topk8 -passout pass:test -in client.key -out client.encrypted.key
rm -f leaf.csr leaf.ext ca.key other_ca.key

# Sourced by the consumers' scripts: what a consumer needs is fetched once, by the ordinary clients of the package
# registries, into a folder of $CACHE whose name changes with what is asked for.

# The folder for one file of requirements: made by the function named second, which gets a folder to fill.
fetched() {
  local requirements=$1 fill=$2 folder
  folder="$CACHE/$(basename "$PWD")-$(sha256sum "$requirements" | cut -c1-12)"
  if [ ! -e "$folder/complete" ]; then
    echo "fetching $(basename "$PWD") into $folder" >&2
    rm -rf "$folder"
    mkdir -p "$folder"
    "$fill" "$requirements" "$folder" >&2
    touch "$folder/complete"
  fi
  echo "$folder"
}

python_packages() { python3 -m venv "$2/venv" && "$2/venv/bin/pip" install --quiet --disable-pip-version-check -r "$1"; }

# Maven leaves its notes beside the file that it reads, so it reads a copy.
maven() {
  cp "$1" "$2/pom.xml"
  mvn -q -B -f "$2/pom.xml" "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:$3" -DincludeScope=runtime \
    -DoutputDirectory="$2/$4"
}
jars() { maven "$1" "$2" copy-dependencies libs; }
archives() { maven "$1" "$2" unpack-dependencies plugins; }

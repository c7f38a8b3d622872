# Derivations of every kind that remote building meets; offline, and without nixpkgs. Their builder is the machine's
# own /bin/sh with its own coreutils, so a machine that sandboxes needs /bin, /usr, /lib and /lib64 in sandbox-paths.
#
#   nix-instantiate derivations.nix -A chain --argstr salt "$RANDOM" --arg length 20
#
# A new `salt` makes all paths new. Another `system` gives the same scripts for another kind of machine.
{ salt ? "0"
, system ? "x86_64-linux"
, count ? 1              # trivial, probe: how many that are independent of each other
, length ? 5             # chain: how many, each needing the one before
, width ? 4              # diamond: how many between bottom and top
, seconds ? 10           # slow, silent, probe: how long each takes
, megabytes ? 10         # big: size of the output, incompressible
, files ? 1000           # manyFiles: how many in the output
, exitCode ? 3           # failing
, features ? "kvm"       # feature: requiredSystemFeatures, with spaces between
, source ? ./derivations.nix # upload: the file that has to reach the machine
, probeFile ? "/dev/null"    # probe: where each writes a line when it starts and when it ends
}:
let
  text = toString;
  numbers = n: builtins.genList (i: i + 1) n;
  words = string: builtins.filter (word: builtins.isString word && word != "") (builtins.split " +" string);

  # Without the last line the shell would become the script's last program. Those of coreutils close standard error
  # just before they end; Nix, seeing the log's end, kills what still runs, and now and then the build fails for that.
  make = name: script: attributes: derivation ({
    inherit name system salt;
    builder = "/bin/sh";
    args = [ "-e" "-c" "${script}\nexit 0" ];
    PATH = "/usr/bin:/bin";
  } // attributes);

  echo = name: make name "echo $name $salt > $out";
in rec {
  trivial = map (n: echo "trivial-${text n}" { }) (numbers count);

  # chain-<length> is the last
  chain = builtins.foldl'
    (previous: n: make "chain-${text n}" "cat $previous > $out; echo $name >> $out" { inherit previous; })
    (echo "chain-0" { })
    (numbers length);

  diamond =
    let
      bottom = echo "bottom" { };
      middle = map (n: make "middle-${text n}" "cat $bottom > $out; echo $name >> $out" { inherit bottom; }) (numbers width);
    in make "top" "cat $middle > $out" { inherit middle; };

  # dev refers to out, doc to nothing
  multipleOutputs = make "multiple-outputs" "echo $salt > $out; echo $out > $dev; echo manual $salt > $doc" {
    outputs = [ "out" "dev" "doc" ];
  };

  fixedOutput = make "fixed-output" "printf %s $salt > $out" {
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" salt;
  };

  # claims a hash that its output does not have
  wrongHash = make "wrong-hash" "printf %s other-$salt > $out" {
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" salt;
  };

  failing = make "failing" "for n in 1 2 3; do echo this will fail, $n; done; exit ${text exitCode}" { };

  # cannot be built, as what it needs fails
  needsFailing = make "needs-failing" "cat $failing > $out" { inherit failing; };

  # prints a line each second
  slow = make "slow-${text seconds}" ''
    n=0
    while [ $n -lt ${text seconds} ]; do echo line $n; n=$((n + 1)); sleep 1; done
    echo $salt > $out
  '' { };

  # prints nothing (max-silent-time)
  silent = make "silent-${text seconds}" "sleep ${text seconds}; echo $salt > $out" { };

  feature = echo "feature" { requiredSystemFeatures = words features; };

  upload = make "upload" "wc -c < $source > $out" { inherit source; };

  big = make "big-${text megabytes}" "head -c ${text megabytes}M /dev/urandom > $out" { };

  manyFiles = make "many-files" ''
    mkdir $out
    n=0
    while [ $n -lt ${text files} ]; do echo $n $salt > $out/$n; n=$((n + 1)); done
  '' { };

  # a directory, an executable and symbolic links: all that a NAR can hold
  tree = make "tree" ''
    mkdir -p $out/bin $out/empty
    echo "echo $salt" > $out/bin/run
    chmod +x $out/bin/run
    ln -s bin/run $out/link
    ln -s $out $out/self
  '' { };

  # <nanoseconds since 1970> start|end <machine> <name>; in Nix's sandbox every machine is called "localhost", so
  # test machines have their name in a file, too
  probe = map (n: make "probe-${text n}" ''
    machine=$(cat /run/machine-name 2>/dev/null || cat /proc/sys/kernel/hostname)
    echo $(date +%s%N) start $machine $name >> ${probeFile}
    sleep ${text seconds}
    echo $(date +%s%N) end $machine $name >> ${probeFile}
    echo $machine $salt > $out
  '' { }) (numbers count);

  # Its attributes come in a file, not in the environment, and the file needs bash. Not by $NIX_ATTRS_SH_FILE: Nix 2.8
  # gives a path there that its sandbox does not have.
  structuredAttributes = derivation {
    inherit system salt;
    name = "structured-attributes";
    builder = "/bin/bash";
    args = [ "-e" "-c" ''. ./.attrs.sh; echo "$salt ''${list[1]} ''${set[key]}" > "''${outputs[out]}"'' ];
    __structuredAttrs = true;
    list = [ "first" "second" ];
    set.key = "value";
  };
}

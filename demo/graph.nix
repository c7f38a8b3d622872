# What the demo builds: twelve derivations that need no nixpkgs. Their builder is the machine's own /bin/sh. `salt` makes
# every path new, so that a second run has something to build.
{ salt }:
let
  step = name: script: attributes: derivation ({
    inherit name salt;
    system = "x86_64-linux";
    PATH = "/usr/bin:/bin";
    builder = "/bin/sh";
    # A shell that replaces itself with its last command may die of its log's end: Nix 2.8 then says "signal 9".
    args = [ "-e" "-c" "${script}\nexit 0" ];
  } // attributes);

  # A source: it travels from the store of whoever submits it to the machines.
  poem = ./poem.txt;

  # A diamond: one step, three that need it, one that needs all three.
  words = step "words" ''
    echo "reading $(wc -l < $poem) lines"
    tr -cs "[:alpha:]" "\n" < $poem | tr "[:upper:]" "[:lower:]" | grep . > $out
    sleep 1
  '' { inherit poem; };
  longest = step "longest" "sleep 2; awk '{ print length, $0 }' $words | sort -rn | head -n 1 | cut -d' ' -f2 > $out; cat $out" { inherit words; };
  commonest = step "commonest" "sleep 2; sort $words | uniq -c | sort -rn | awk 'NR == 1 { print $2 }' > $out; cat $out" { inherit words; };
  count = step "count" "sleep 2; wc -l < $words > $out; cat $out" { inherit words; };
  report = step "report" ''
    echo "A poem of $(cat $count) words; the longest is \"$(cat $longest)\", the commonest \"$(cat $commonest)\"." | tee $out
  '' { inherit count longest commonest; };

  # A chain: each needs the one before.
  link = previous: number: step "link-${toString number}" ''
    echo "link ${toString number} of 4 follows $(basename $previous)"
    sleep 1
    { tail -n 3 $previous; echo ${toString number}; } > $out
  '' { inherit previous; };
  chain = builtins.foldl' link words [ 1 2 3 4 ];

  # Only for machines that have the feature: the one that supports it, or the one that takes nothing else.
  measured = step "measured" "echo measuring; sleep 1; echo \"measured on $(cat /proc/sys/kernel/hostname)\" | tee $out" {
    requiredSystemFeatures = [ "benchmark" ];
    inherit words;
  };

  # For another kind of machine.
  foreign = step "foreign" "sleep 1; echo \"an aarch64-linux step, built on $(cat /proc/sys/kernel/hostname)\" | tee $out" {
    system = "aarch64-linux";
  };

  # Long enough to lose a machine meanwhile.
  nap = number: step "nap-${toString number}" "for n in 1 2 3; do echo minute $n of 3; sleep 1; done; echo rested > $out" { };
in
{
  everything = step "everything" "cat $report $chain $measured $foreign > $out; echo all done" {
    inherit report chain measured foreign;
  };
  naps = map nap [ 1 2 3 4 ];
}

# shellcheck shell=bash
# A third of many, by chance, for those who have no time for all. The seed that is printed brings
# the same third again.

third_begins() { # SEED
  echo "# a random third: --random-third $1"
  RANDOM=$1
}
in_third() {
  [ $((RANDOM % 3)) = 0 ]
}

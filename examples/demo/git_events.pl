#!/usr/bin/perl
# Turns a git history into events: one JSON line for each commit on the first-parent line, and one for each file that it
# changed. Usage: git_events.pl [REPOSITORY [REVISION]] > history.jsonl
use strict;
use warnings;

my $repository = @ARGV ? $ARGV[0] : '.';
my $revision = @ARGV > 1 ? $ARGV[1] : 'HEAD';

sub quoted {
    my ($text) = @_;
    $text =~ s/([\\"])/\\$1/g;
    $text =~ s/([\x00-\x1f\x7f])/sprintf('\\u%04x', ord($1))/ge;
    return "\"$text\"";
}

# A commit is "\x01commit hash parents time subject"; -z ends it and every path with a NUL.
my @command = ('git', '-C', $repository, 'log', $revision, '--first-parent', '--reverse',
    '--diff-merges=first-parent', '--raw', '-z', '--no-renames', '--no-abbrev', '--root', '--encoding=UTF-8',
    '--date=format-local:%Y-%m-%dT%H:%M:%SZ', '--format=%x01%H%x02%P%x02%cd%x02%s');
$ENV{TZ} = 'UTC';
open(my $log, '-|', @command) or die "git_events.pl: cannot run git: $!\n";
binmode($log);
binmode(STDOUT);
local $/ = "\0";

my ($commit, $time);
while (my $field = <$log>) {
    chomp $field;
    $field =~ s/^\n//;
    next if $field eq '';
    if ($field =~ /^\x01(.*)\x02(.*)\x02(.*)\x02(.*)$/s) {
        ($commit, $time) = ($1, $3);
        my $subject = $4;
        my @parents = map { quoted($_) } split(/ /, $2);
        print qq({"type":"CommitLanded","id":"$commit","commit":"$commit","parents":[), join(',', @parents),
            qq(],"cause":), (@parents ? $parents[0] : 'null'), qq(,"stream":"git:commits","time":"$time","subject":),
            quoted($subject), "}\n";
    } elsif ($field =~ /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([AMDT])$/) {
        my ($old_mode, $new_mode, $old_blob, $new_blob, $status) = ($1, $2, $3, $4, $5);
        my $path = <$log>;
        chomp $path;
        my $type = $status eq 'A' ? 'FileAdded' : $status eq 'D' ? 'FileDeleted' : 'FileModified';
        my $name = quoted($path);
        print qq({"type":"$type","id":), quoted("$commit/$path"), qq(,"commit":"$commit","cause":"$commit","stream":$name,"path":$name,"time":"$time");
        print qq(,"old_mode":"$old_mode","old_blob":"$old_blob") if $status ne 'A';
        print qq(,"new_mode":"$new_mode","new_blob":"$new_blob") if $status ne 'D';
        print "}\n";
    } else {
        die "git_events.pl: cannot read git's line: $field\n";
    }
}
close($log) or die "git_events.pl: git log failed\n";

package tally.frame.config;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the command line asks for, and its flags by name: {@code --name value}, {@code --name=value}, or a switch alone.
 */
record CommandLine(Command command, Map<String, String> flags) {

    public enum Command {
        RUN,
        HELP,
        VERSION,
        PRINT_CONFIG
    }

    /** An unknown flag, or one without its value, is {@link InvalidSetting}. */
    static CommandLine parse(List<String> arguments, Set<String> known, Set<String> switches) {
        var flags = new HashMap<String, String>();
        var command = Command.RUN;
        for (int i = 0; i < arguments.size(); i++) {
            var argument = arguments.get(i);
            var equals = argument.indexOf('=');
            var name = equals < 0 ? argument : argument.substring(0, equals);
            switch (name) {
                case "--help", "-h" -> command = Command.HELP;
                case "--version" -> command = Command.VERSION;
                case "--print-config" -> command = Command.PRINT_CONFIG;
                default -> {
                    if (!known.contains(name)) {
                        throw new InvalidSetting(name + ": unknown flag (from command line); --help lists them");
                    }
                    if (equals >= 0) {
                        flags.put(name, argument.substring(equals + 1));
                    } else if (i + 1 < arguments.size() && !arguments.get(i + 1).startsWith("--")) {
                        flags.put(name, arguments.get(++i));
                    } else if (switches.contains(name)) {
                        flags.put(name, "true");
                    } else {
                        throw new InvalidSetting(name + ": needs a value (from command line)");
                    }
                }
            }
        }
        return new CommandLine(command, flags);
    }
}

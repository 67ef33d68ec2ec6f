using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Kgents.ServiceDefaults;

/// <summary>A process that cannot begin as it is set up says why, by setting, and ends with 1: that is no crash, and whoever reads it needs no stack.</summary>
public static partial class Startup
{
    private const string Binder = "Microsoft.Extensions.Configuration.Binder";

    /// <summary>Runs the program to its end, and says what the process's exit code is.</summary>
    /// <param name="program">Hands over its configuration once it has one: what is said of a value is said of the one that was refused.</param>
    public static async Task<int> RunAsync(TextWriter error, Func<Action<IConfiguration>, Task<int>> program)
    {
        IConfiguration? settings = null;
        var isEnding = false;
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => isEnding = true);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => isEnding = true);
        try
        {
            return await program(configuration => settings = configuration);
        }
        catch (OperationCanceledException) when (isEnding)
        {
            // It was told to end before it had begun.
            return Environment.ExitCode;
        }
        catch (Exception exception) when (Explain(exception, settings) is { } why)
        {
            await error.WriteLineAsync(why);
            return 1;
        }
    }

    /// <summary>Null for what is no matter of settings.</summary>
    public static string? Explain(Exception exception, IConfiguration? settings) => exception switch
    {
        OptionsValidationException options => string.Join(Environment.NewLine, options.Failures.Select(failure => Explain(failure, options.OptionsType, settings))),
        AggregateException { InnerExceptions: var all } when all.All(each => each is OptionsValidationException) => string.Join(Environment.NewLine, all.Select(each => Explain(each, settings))),
        SettingException => exception.Message,

        // It names setting and value; of a column that there is not only what is in it does.
        InvalidOperationException { Source: Binder, InnerException: InvalidOperationException inner } => inner.Message,
        InvalidOperationException { Source: Binder } => exception.Message,

        // Arguments and files are read before there is a configuration.
        FormatException or InvalidDataException when settings is null => string.Join(' ', new[] { exception, exception.GetBaseException() }.Distinct().Select(each => each.Message)),
        IOException { InnerException: AddressInUseException } => $"{exception.Message} End what listens there, or choose another address: --urls http://localhost:8080 (environment: ASPNETCORE_URLS).",
        _ => null,
    };

    /// <summary>Validators that are generated say "Slots: The field TurnOptions.Slots must be …"; those of our own name the setting behind the first colon.</summary>
    private static string Explain(string failure, Type options, IConfiguration? settings)
    {
        var section = options.GetField("SectionName", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue();
        if (section is null || Generated.Match(failure) is not { Success: true } match)
        {
            return Prefix.Replace(failure, "");
        }

        // The value of a number or a time; a text may be a secret.
        var (setting, rule) = ($"{section}:{match.Groups["name"].Value}", match.Groups["rule"].Value);
        var value = rule.StartsWith("must be between ", StringComparison.Ordinal) ? $" is '{settings?[setting]}': it {rule}" : $" {rule}";
        return $"{setting} (environment: {setting.Replace(":", "__", StringComparison.Ordinal)}){value}";
    }

    [GeneratedRegex(@"^\w+: The field \w+\.(?<name>\w+) (?<rule>.+)$")]
    private static partial Regex Generated { get; }

    [GeneratedRegex(@"^\w+: (?=\w+:\w+)")]
    private static partial Regex Prefix { get; }
}

using System.Globalization;
using System.Text;
using System.Text.Json;
using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Agentese;

/// <summary>Reads <c>kwargs</c> by what an aspect takes. A name that it does not take is refused: it would else be ignored in silence.</summary>
internal sealed class ArgumentReader(IOptions<MessageOptions> options, TimeProvider time)
{
    private const int LongestText = 200;

    /// <summary>Null when all could be read.</summary>
    public ProblemHttpResult? Read(Aspect aspect, JsonElement? kwargs, out Arguments arguments)
    {
        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        arguments = new Arguments(values);
        foreach (var (name, json) in Members(kwargs))
        {
            if (aspect.Parameters.FirstOrDefault(parameter => parameter.Name == name) is not { } parameter)
            {
                return Invalid(name, aspect.Parameters.Count == 0 ? "takes nothing" : $"is none of {string.Join(", ", aspect.Parameters.Select(each => each.Name))}");
            }

            if (Value(parameter, json) is not { } value)
            {
                return Invalid(name, Wanted(parameter));
            }

            values[name] = value;
        }

        return aspect.Parameters.FirstOrDefault(parameter => parameter.IsRequired && !values.ContainsKey(parameter.Name)) is { } missing ? Invalid(missing.Name, "is missing") : null;
    }

    /// <summary>Null when the input is not longer than it may be.</summary>
    public ProblemHttpResult? ReadInput(JsonElement input) => Value(Parameter.Input, input) is null ? Invalid(Parameter.InputName, Wanted(Parameter.Input)) : null;

    /// <summary>Of a name that stands there twice, the last.</summary>
    public static IEnumerable<(string Name, JsonElement Json)> Members(JsonElement? kwargs) =>
        kwargs is { ValueKind: JsonValueKind.Object } given ? given.EnumerateObject().GroupBy(member => member.Name, (name, same) => (Name: name, Json: same.Last().Value)).Where(member => member.Json.ValueKind != JsonValueKind.Null) : [];

    private static ProblemHttpResult Invalid(string name, string reason) => Problem.Invalid(422, $"kwargs.{(name.Length > LongestText ? name[..LongestText] : name)}", reason);

    /// <summary>Null for what is not of the parameter's kind.</summary>
    private object? Value(Parameter parameter, JsonElement json)
    {
        var text = json.ValueKind == JsonValueKind.String ? json.GetString() : null;
        return parameter.Kind switch
        {
            ParameterKind.Text => string.IsNullOrWhiteSpace(text) || text.Length > LongestText ? null : text,
            ParameterKind.Input => Arguments.TextOf(json) is var input && !string.IsNullOrWhiteSpace(input) && Encoding.UTF8.GetByteCount(input) <= options.Value.MaxBytes ? json.Clone() : null,
            ParameterKind.Session => SessionId.TryParse(text, null, out var session) ? session : null,
            ParameterKind.Turn => TurnId.TryParse(text, null, out var turn) ? turn : null,
            ParameterKind.Amount => json.ValueKind == JsonValueKind.Number && json.TryGetDecimal(out var amount) && IsAmount(amount) ? amount : null,
            ParameterKind.Time => json.ValueKind == JsonValueKind.String && json.TryGetDateTimeOffset(out var at) && HasOffset(text!) && at <= time.GetUtcNow() ? at.ToUniversalTime() : null,
            ParameterKind.Limit => json.ValueKind == JsonValueKind.Number && json.TryGetInt32(out var limit) && limit > 0 ? Math.Min(limit, Paging.Largest) : null,
            ParameterKind.Cursor => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var cursor) ? cursor : null,
            ParameterKind.Budget => text is null ? null : BudgetTiers.Find(text),
            ParameterKind.Choice => parameter.Choices.Contains(text) ? text : null,
            _ => throw new InvalidOperationException($"{parameter.Kind} is no kind of parameter."),
        };
    }

    public static bool IsAmount(decimal amount) => amount is > 0 and <= 1 && decimal.Round(amount, 4) == amount;

    /// <summary>Of a date alone the last part begins as an offset does.</summary>
    private static bool HasOffset(string time) => time.Contains('T') && time is [.., 'Z'] or [.., '+' or '-', _, _, ':', _, _];

    private string Wanted(Parameter parameter) => parameter.Kind switch
    {
        ParameterKind.Text => $"must be text of 1 to {LongestText} characters, and not blank",
        ParameterKind.Input => $"must be there, not blank, and not longer than {options.Value.MaxBytes} bytes of UTF-8",
        ParameterKind.Session => "is not a session id",
        ParameterKind.Turn => "is not a turn id",
        ParameterKind.Amount => "must be a number above 0, at most 1, with at most four decimals",
        ParameterKind.Time => "must be a time with an offset, as 2026-01-31T13:00:00Z, and not in the future",
        ParameterKind.Limit => "must be a number from 1",
        ParameterKind.Cursor => "is not a cursor of this listing",
        ParameterKind.Budget => $"must be one of {string.Join(", ", BudgetTiers.All)}",
        ParameterKind.Choice => $"must be one of {string.Join(", ", parameter.Choices)}",
        _ => throw new InvalidOperationException($"{parameter.Kind} is no kind of parameter."),
    };
}

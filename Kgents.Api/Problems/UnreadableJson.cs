using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Problems;

/// <summary>What is wrong with a body that could not be read: by the path at which reading ended and by what the endpoint takes, not by the text of the exception.</summary>
internal static class UnreadableJson
{
    public static ProblemHttpResult Explain(HttpContext context, JsonException json)
    {
        var names = json.Path is ['$', '.', .. var path] ? path : (json.Path ?? "").TrimStart('$');
        if (names == "")
        {
            return Problem.Invalid(400, "body", $"is not JSON of the kind that is expected{PlaceOf(json)}");
        }

        return FieldsBeside(context, names) is { } fields
            ? Problem.Invalid(400, names, $"is not a field here: the fields are {string.Join(", ", fields)}")
            : Problem.Invalid(400, names, $"is not JSON of the type that this field has, or is there twice{PlaceOf(json)}");
    }

    /// <summary>The fields that there are in the place of one that there is not; null for one that there is.</summary>
    private static IEnumerable<string>? FieldsBeside(HttpContext context, string names)
    {
        // The endpoint of the request is not the exception handler's.
        var accepted = context.Features.Get<IExceptionHandlerFeature>()?.Endpoint?.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType;
        var options = context.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        foreach (var step in names.Split('.'))
        {
            if (accepted is null || !options.TryGetTypeInfo(accepted, out var type) || type.Kind != JsonTypeInfoKind.Object)
            {
                return null;
            }

            // What stands in a list is of the list's type, and has no fields here.
            var name = step.Split('[')[0];
            var fields = type.Properties.Where(property => property.Set is not null || property.AssociatedParameter is not null).ToList();
            if (fields.Find(property => property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } found)
            {
                return fields.Select(property => property.Name);
            }

            accepted = name == step ? found.PropertyType : null;
        }

        return null;
    }

    /// <summary>Counted from 1, as editors do. A byte and not a character.</summary>
    private static string PlaceOf(JsonException json) => json is { LineNumber: { } line, BytePositionInLine: { } position } ? $" (line {line + 1}, byte {position + 1})" : "";
}

using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Kgents.Contracts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Kgents.Api.OpenApi;

/// <summary>Says of the bodies what reflection cannot know: what ids look like, that no answer has a null, and which fields a request must have.</summary>
internal sealed class SchemaTransformer : IOpenApiSchemaTransformer
{
    private static readonly Dictionary<Type, string> Ids = new()
    {
        [typeof(TenantId)] = "^[a-z0-9-]{1,40}$",
        [typeof(SessionId)] = "^s[0-9]{1,3}-[0-9a-f]{32}$",
        [typeof(TurnId)] = "^t-[0-9a-f]{32}$",
        [typeof(ApiKeyId)] = "^k-[0-9a-f]{32}$",
        [typeof(WebhookId)] = "^w-[0-9a-f]{32}$",
        [typeof(WebhookEventId)] = "^e-[0-9a-f]{32}$",
    };

    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo;
        if (Ids.TryGetValue(Nullable.GetUnderlyingType(type.Type) ?? type.Type, out var pattern))
        {
            schema.Type = JsonSchemaType.String;
            schema.Pattern = pattern;
        }

        // A time that is read by a converter of its own is anything to the framework.
        if (type.Type == typeof(DateTimeOffset?) && schema.Type is null)
        {
            schema.Type = JsonSchemaType.String | JsonSchemaType.Null;
            schema.Format = "date-time";
        }

        // Texts, and a field without one is left out.
        if ((Nullable.GetUnderlyingType(type.Type) ?? type.Type).IsEnum && schema.Enum is { Count: > 0 } values)
        {
            schema.Type = JsonSchemaType.String;
            schema.Enum = [.. values.Where(value => value is not null && !value.IsJsonNullSentinel())];
        }

        // The one body that holds any JSON wants an object there.
        if (type.Type == typeof(JsonElement))
        {
            schema.Type = JsonSchemaType.Object;
        }

        if (type.Kind == JsonTypeInfoKind.Object && schema.Properties is { } properties)
        {
            var isRequest = type.Type.Name.EndsWith("Request", StringComparison.Ordinal);
            schema.AdditionalPropertiesAllowed = !isRequest;
            schema.Required = type.Properties.Where(field => isRequest ? field.AttributeProvider?.IsDefined(typeof(RequiredAttribute), inherit: true) is true : !field.IsGetNullable).Select(field => field.Name).ToHashSet();
            schema.Description = NameAsOnTheWire(schema.Description, type.Properties);
            foreach (var (name, property) in properties.Where(each => each.Value is OpenApiSchema).Select(each => (each.Key, (OpenApiSchema)each.Value)))
            {
                // In a request null is as if it were left out.
                var mayBeNull = isRequest && !schema.Required.Contains(name);
                property.Type &= mayBeNull ? property.Type : ~JsonSchemaType.Null;
                if (isRequest && ClosedValues.OfField(type.Type, name) is { } closed && (property.Items ?? property) is OpenApiSchema text)
                {
                    text.Enum = [.. closed.Select(value => JsonValue.Create(value)), .. mayBeNull && text == property ? [JsonNullSentinel.JsonNull] : Array.Empty<JsonNode>()];
                    text.Description = ClosedValues.IsInAnyCase(name) ? $"{text.Description} Taken in any case.".TrimStart() : text.Description;
                }
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Summaries in the code name its properties.</summary>
    private static string? NameAsOnTheWire(string? description, IEnumerable<JsonPropertyInfo> fields) => description is null ? null : fields.Aggregate(
        description, (text, field) => field.AttributeProvider is MemberInfo member ? Regex.Replace(text, $@"\b{member.Name}\b", $"`{field.Name}`") : text);
}

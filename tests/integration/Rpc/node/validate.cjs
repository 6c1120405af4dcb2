// Reads an OpenRPC document from standard input and validates it against OpenRPC's meta schema.
const { openrpcDocument } = require('@open-rpc/meta-schema');
const { jsonSchema } = require('@json-schema-tools/meta-schema');
const Ajv = require('ajv');

// Both name as their own schema a page that is not in the packages.
const withoutSchema = ({ $schema, ...schema }) => schema;
const ajv = new Ajv({ strict: false, logger: false });
ajv.addSchema(withoutSchema(jsonSchema), 'https://meta.json-schema.tools');
const validate = ajv.compile(withoutSchema(openrpcDocument));

let text = '';
process.stdin.on('data', piece => (text += piece)).on('end', () => {
    const document = JSON.parse(text);
    if (!validate(document)) {
        console.error(JSON.stringify(validate.errors, null, 1));
        process.exit(1);
    }
    console.log(document.methods.length);
});
